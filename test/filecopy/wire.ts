// SPDX-License-Identifier: MIT
// Streams that a test builds item by item, right or wrong, and the two programs at either end of pipes.

import { type ChildProcess, spawn } from 'node:child_process';
import {
  beginning,
  crc32,
  decodeResult,
  encodeHeader,
  GREETING_SIZE,
  HEADER_SIZE,
  Header,
  type Result,
} from '../../src/qfile/index.ts';
import { nodeProgram } from '../helpers/cli.ts';

export const REG = 0o100644;
export const DIR = 0o40755;
export const LNK = 0o120777;

/** One item: header, name with NUL, data. `fields` override what the header says. */
export function item(
  name: string | Uint8Array,
  mode: number,
  data: string | Uint8Array = '',
  fields: Partial<Header> = {},
): Buffer {
  const nameBytes = Buffer.from(name as string);
  const dataBytes = Buffer.from(data as string);
  const header = Object.assign(
    new Header(),
    {
      namelen: nameBytes.length + 1,
      mode,
      filelen: dataBytes.length,
      mtime: 1_600_000_000,
      atime: 1_600_000_000,
    },
    fields,
  );
  const head = Buffer.alloc(HEADER_SIZE);
  encodeHeader(new DataView(head.buffer, head.byteOffset, HEADER_SIZE), 0, header);
  return Buffer.concat([head, nameBytes, Buffer.from([0]), dataBytes]);
}

export const END = Buffer.alloc(HEADER_SIZE);

/** A header with a raw 64-bit length, as hex. */
export function rawLength(name: string, mode: number, hex: string): Buffer {
  const made = item(name, mode);
  made.set(Buffer.from(hex, 'hex'), 8);
  return made;
}

export interface Unpacked {
  code: number | string;
  result: Result | undefined;
  stderr: string;
  /** Whether the result's checksum is that of all that was sent. */
  sumMatches: boolean;
  /** The answer as it came. */
  answer: Buffer;
}

export interface UnpackHow {
  args?: readonly string[];
  env?: Record<string, string>;
  /** Called with the process once it runs, before anything is sent. */
  meanwhile?: (child: ChildProcess, send: (bytes: Uint8Array) => Promise<void>) => Promise<void>;
  uid?: number;
  /** Another receiver with the same command line. */
  receiver?: readonly string[];
  /** Sent first; the stream begins anew after the greeting that comes for it. */
  hello?: Uint8Array;
}

/** Runs qfile-unpacker on a stream. */
export function unpack(dir: string, stream: Uint8Array, how: UnpackHow = {}): Promise<Unpacked> {
  const [command = '', ...first] = how.receiver ?? nodeProgram('qfile-unpacker');
  const child = spawn(command, [...first, ...(how.args ?? []), '', dir], {
    stdio: ['pipe', 'pipe', 'pipe'],
    env: { ...process.env, NINEFOLD_SANDBOX: 'none', ...how.env },
    ...(how.uid === undefined ? {} : { uid: how.uid, gid: how.uid }),
  });
  const timer = setTimeout(() => child.kill('SIGKILL'), 60_000);
  const out: Buffer[] = [];
  let stderr = '';
  const greeting = new Promise<Buffer>((resolve) => {
    child.stdout.on('data', (part: Buffer) => {
      out.push(part);
      const come = Buffer.concat(out);
      if (come.length >= GREETING_SIZE) resolve(come.subarray(8, GREETING_SIZE));
    });
  });
  child.stderr.setEncoding('utf8').on('data', (part: string) => {
    stderr += part;
  });
  // It may refuse and close before it has read everything.
  child.stdin.on('error', () => {});
  const send = (bytes: Uint8Array): Promise<void> =>
    new Promise((resolve) => child.stdin.write(bytes, () => resolve()));
  const { hello } = how;
  let begin = new Uint8Array(0);
  const fed = (how.meanwhile?.(child, send) ?? Promise.resolve()).then(async () => {
    if (hello !== undefined) {
      await send(hello);
      begin = Uint8Array.from(beginning(await greeting));
    }
    child.stdin.end(Buffer.concat([begin, stream]));
  });
  return new Promise((resolve, reject) => {
    fed.catch(reject);
    child.once('error', reject);
    child.once('close', (code, signal) => {
      clearTimeout(timer);
      const answer = Buffer.concat(out).subarray(hello === undefined ? 0 : GREETING_SIZE);
      const result = decodeResult(answer);
      const sumMatches = result?.crc === crc32(stream, crc32(begin, 0));
      resolve({ code: signal ?? code ?? -1, result, stderr, sumMatches, answer });
    });
  });
}
