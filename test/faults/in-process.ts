// SPDX-License-Identifier: MIT
// A mount in this process on a real qfsd in another: starts in a tenth of a second, for trials by the thousand.

import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync } from 'node:fs';
import { socketpair } from '../../src/linux/net.ts';
import { program } from '../helpers/places.ts';
import { type Mounted, mountOn } from '../hostile/rig.ts';

export interface Pair {
  readonly mount: Mounted;
  readonly server: ChildProcess;
  /** Takes both away; resolves with how the server ended. */
  end(): Promise<number | string>;
}

/** Serves `share` and mounts it. What uses the mount must be another process. */
export async function serveAndMount(share: string, args: readonly string[] = []): Promise<Pair> {
  const pair: [number, number] = [-1, -1];
  if (socketpair(pair) < 0) throw new Error('no socket pair');
  const command = [program('qfsd'), '3', '3', share, '--sandbox', 'none', ...args];
  const server = spawn(process.execPath, command, { stdio: ['ignore', 'ignore', 'inherit', pair[1]] });
  closeSync(pair[1]);
  const exit = new Promise<number | string>((resolve) =>
    server.once('close', (code, signal) => resolve(signal ?? code ?? -1)),
  );
  let mount: Mounted;
  try {
    mount = await mountOn(pair[0]);
  } catch (error) {
    closeSync(pair[0]);
    server.kill('SIGKILL');
    await exit;
    throw error;
  }
  return {
    mount,
    server,
    async end() {
      await mount.close();
      closeSync(pair[0]);
      const timer = setTimeout(() => server.kill('SIGKILL'), 10_000);
      const code = await exit;
      clearTimeout(timer);
      return code;
    },
  };
}
