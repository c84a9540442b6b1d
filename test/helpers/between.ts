// SPDX-License-Identifier: MIT

import { spawn } from 'node:child_process';
import { closeSync } from 'node:fs';
import { Socket } from 'node:net';
import { socketpair } from '../../src/linux/net.ts';
import { T } from '../../src/p9/messages.ts';
import { program } from './places.ts';

/** Is shown a whole message on its way: what it does is done before the message arrives. May change its bytes (not its length), or give others in its place. */
export type Look = (type: number, message: Buffer) => Buffer | undefined;

/** A real server, and somebody who stands between it and the client. `fd` is the client's end, the caller's to close. */
export class Between {
  readonly fd: number;
  onRequest: Look | undefined;
  onReply: Look | undefined;
  private readonly client: Socket;
  private readonly server: Socket;
  private readonly exit: Promise<unknown>;

  /** `plain`: the server is taken for one that has not heard of our dialect. */
  constructor(share: string, plain = false) {
    const [ours, theirs] = [pair(), pair()];
    this.fd = ours[0];
    const command = [program('qfsd'), '3', '3', share, '--sandbox', 'none'];
    const child = spawn(process.execPath, command, { stdio: ['ignore', 'ignore', 'inherit', theirs[1]] });
    closeSync(theirs[1]);
    this.exit = new Promise((resolve) => child.once('close', resolve));
    this.client = new Socket({ fd: ours[1] });
    this.server = new Socket({ fd: theirs[0] });
    for (const s of [this.client, this.server]) s.on('error', () => undefined);
    this.client.on('close', () => this.server.destroy());
    this.server.on('close', () => this.client.destroy());
    this.client.on(
      'data',
      messages((m) => {
        if (plain && m[4] === T.version && m.includes('.ninefold')) this.client.write(UNKNOWN);
        else this.server.write(this.onRequest?.(m[4] as number, m) ?? m);
      }),
    );
    this.server.on(
      'data',
      messages((m) => {
        this.client.write(this.onReply?.(m[4] as number, m) ?? m);
      }),
    );
  }

  async end(): Promise<void> {
    this.client.destroy();
    this.server.destroy();
    await this.exit;
    closeSync(this.fd);
  }
}

/** Rversion: msize 8192, `unknown`. */
const UNKNOWN = Buffer.from(`\x14\0\0\0\x65\xff\xff\0\x20\0\0\x07\0unknown`, 'latin1');

function messages(each: (message: Buffer) => void): (data: Buffer) => void {
  let input = Buffer.alloc(0);
  return (data) => {
    input = Buffer.concat([input, data]);
    while (input.length >= 4 && input.length >= input.readUInt32LE(0)) {
      const size = input.readUInt32LE(0);
      each(Buffer.from(input.subarray(0, size)));
      input = input.subarray(size);
    }
  };
}

function pair(): [number, number] {
  const fds: [number, number] = [-1, -1];
  if (socketpair(fds) < 0) throw new Error('no socket pair');
  return fds;
}
