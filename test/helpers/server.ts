// SPDX-License-Identifier: MIT

import { type ChildProcess, spawn } from 'node:child_process';
import type { Socket } from 'node:net';
import { program } from './places.ts';
import { Raw9p } from './raw9p.ts';

export interface Served {
  readonly client: Raw9p;
  readonly pid: number;
  /** All that the peer has received, searched for a text while it comes in. */
  sawText(text: string): boolean;
  /** The exit code, once the server has ended; a signal's name when one ended it. */
  readonly exit: Promise<number | string>;
  stderr(): string;
  /** Closes the connection and waits for the end. */
  close(): Promise<number | string>;
}

export interface ServeHow {
  sandbox: string;
  args?: readonly string[];
  /** Texts that `sawText` can be asked about. */
  watch?: readonly string[];
  /** A command put in front: `['prlimit', '--nofile=256', '--']`. */
  through?: readonly string[];
  uid?: number;
  env?: Record<string, string>;
}

/** Runs `qfsd 3 3 PATH` of this build at one end of a socket pair; the other end is the client's. Whatever is left of it ends with `t`. */
export function startQfsd(t: { after(fn: () => void): void }, path: string, how: ServeHow): Served {
  const command = [
    ...(how.through ?? []),
    process.execPath,
    program('qfsd'),
    '3',
    '3',
    path,
    '--sandbox',
    how.sandbox,
    ...(how.args ?? []),
  ];
  const child: ChildProcess = spawn(command[0] as string, command.slice(1), {
    stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
    env: { ...process.env, ...how.env },
    ...(how.uid === undefined ? {} : { uid: how.uid, gid: how.uid }),
  });
  let errors = '';
  child.stderr?.on('data', (d: Buffer) => {
    errors = (errors + d.toString()).slice(-20_000);
  });
  child.stdout?.resume();
  const socket = child.stdio[3] as Socket;
  const seen = new Set<string>();
  let tail = '';
  const watch = how.watch ?? [];
  if (watch.length > 0)
    socket.on('data', (d: Buffer) => {
      const text = tail + d.toString('latin1');
      for (const w of watch) if (text.includes(w)) seen.add(w);
      tail = text.slice(-256);
    });
  const exit = new Promise<number | string>((resolve) =>
    child.once('close', (code, signal) => resolve(signal ?? code ?? -1)),
  );
  child.once('error', (error) => {
    errors += String(error);
  });
  const client = new Raw9p(socket);
  t.after(() => {
    // What runs in a sandbox is not `child` itself, and ends with the connection.
    socket.destroy();
    child.kill('SIGKILL');
  });
  return {
    client,
    pid: child.pid ?? -1,
    sawText: (text) => seen.has(text),
    exit,
    stderr: () => errors,
    close: async () => {
      client.close();
      const timer = setTimeout(() => child.kill('SIGKILL'), 10_000);
      try {
        return await exit;
      } finally {
        clearTimeout(timer);
      }
    },
  };
}
