// SPDX-License-Identifier: MIT
// The original Qubes programs, where whoever runs the test has built them (docs/ORIGINALS.md), and both ends of a transfer with the test in between.

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { nodeProgram } from '../helpers/cli.ts';

/** A program as a command line to which arguments are added. */
export type Program = readonly string[];

/** Which variable names the program, and the reason why a test that needs it is skipped. */
export function original(variable: string): { path: string; skip: string | false } {
  const path = process.env[variable] ?? '';
  if (path === '') return { path, skip: `opt-in: ${variable} names no original program` };
  return {
    path,
    skip: process.geteuid?.() === 0 ? false : 'needs root: the original mounts and changes its root',
  };
}

const agent = original('NINEFOLD_ORIGINAL_QFILE_AGENT');
const unpacker = original('NINEFOLD_ORIGINAL_QFILE_UNPACKER');

export const needsBoth = { skip: agent.skip || unpacker.skip };
export const needsUnpacker = { skip: unpacker.skip };

export const SENDERS: Readonly<Record<'ours' | 'theirs', Program>> = {
  ours: nodeProgram('qfile-agent'),
  theirs: [agent.path],
};

/** Theirs mounts the incoming folder over itself: in a mount namespace of its own, nobody else sees it. */
export const RECEIVERS: Readonly<Record<'ours' | 'theirs', Program>> = {
  ours: nodeProgram('qfile-unpacker'),
  theirs: ['unshare', '-m', unpacker.path],
};

export type Whose = keyof typeof SENDERS;
export const PAIRS: readonly (readonly [Whose, Whose])[] = [
  ['theirs', 'theirs'],
  ['ours', 'theirs'],
  ['theirs', 'ours'],
  ['ours', 'ours'],
];

export interface Carried {
  /** Exit codes, or signals. */
  sender: number | string;
  receiver: number | string;
  stream: Buffer;
  answer: Buffer;
  stderr: string;
}

export interface CarryHow {
  sender: Program;
  receiver: Program;
  cwd: string;
  env?: Record<string, string>;
}

/** Joins two programs as qrexec does, and notes what went to and fro. */
export async function carry(how: CarryHow): Promise<Carried> {
  const env = { ...process.env, NINEFOLD_SANDBOX: 'none', QREXEC_REMOTE_DOMAIN: 'source', ...how.env };
  const begin = ([command = '', ...args]: Program): ChildProcess =>
    spawn(command, args, { cwd: how.cwd, env, stdio: 'pipe' });
  const [receiver, sender] = [begin(how.receiver), begin(how.sender)];
  const timer = setTimeout(() => [receiver, sender].map((c) => c.kill('SIGKILL')), 60_000);
  const [stream, answer]: Buffer[][] = [[], []];
  let stderr = '';
  for (const child of [receiver, sender])
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      stderr += text;
    });
  // Either may end before it has read everything.
  for (const child of [receiver, sender]) child.stdin?.on('error', () => {});
  const relay = (from: ChildProcess, to: ChildProcess, into: Buffer[]): void => {
    from.stdout?.on('data', (bytes: Buffer) => {
      into.push(bytes);
      to.stdin?.write(bytes);
    });
    from.stdout?.on('end', () => to.stdin?.end());
  };
  relay(sender, receiver, stream as Buffer[]);
  relay(receiver, sender, answer as Buffer[]);
  // A service that ends takes its end of the connection with it.
  const exits = [sender, receiver].map(async (child) => {
    const [code, signal] = (await once(child, 'close')) as [number | null, string | null];
    if (child === receiver) sender.stdout?.destroy();
    return signal ?? code ?? -1;
  });
  const [sent = -1, received = -1] = await Promise.all(exits);
  clearTimeout(timer);
  return {
    sender: sent,
    receiver: received,
    stream: Buffer.concat(stream as Buffer[]),
    answer: Buffer.concat(answer as Buffer[]),
    stderr,
  };
}
