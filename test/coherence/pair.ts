// SPDX-License-Identifier: MIT
// A folder, a real server of it, and a mount in this process whose counters a test can read.

import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { openSys } from '../../src/linux/index.ts';
import { socketpair } from '../../src/linux/net.ts';
import type { ListFolder } from '../../src/mount/index.ts';
import { program } from '../helpers/places.ts';
import { type Mounted, mountOn } from '../hostile/rig.ts';

export interface Pair extends Mounted {
  readonly server: ChildProcess;
  /** The served folder itself: what is done here is done by "others". */
  readonly share: string;
  /** Messages that the mount has sent so far while `command` ran. */
  messagesOf(command: string): Promise<number>;
  /** Lists the whole mount twice, so that a walk is seen to be one and every folder is remembered and watched. */
  walk(): Promise<string>;
  /** Reads `command`'s output again and again until it is `wanted`; the last output, after `ms`. */
  until(command: string, wanted: string, ms?: number): Promise<string>;
}

/** `make` fills the folder. Whatever is left ends with `t`. */
export async function pair(
  t: { after(fn: () => Promise<void>): void },
  make: (share: string) => void,
  args: readonly string[] = [],
  list?: ListFolder,
): Promise<Pair> {
  const share = mkdtempSync(join(tmpdir(), 'nf-pair-'));
  make(share);
  const m = await another(t, share, args, () => rmSync(share, { recursive: true, force: true }), list);
  const out = async (command: string): Promise<string> => {
    const r = await m.sh(command, 60_000);
    return r.out + r.err;
  };
  return {
    ...m,
    share,
    async messagesOf(command) {
      const before = m.stats.messages;
      await out(command);
      return m.stats.messages - before;
    },
    async walk() {
      await out('find . -ls');
      return await out('find . -ls');
    },
    async until(command, wanted, ms = 900) {
      for (const end = Date.now() + ms; ; await sleep(5)) {
        const is = await out(command);
        if (is === wanted || Date.now() > end) return is;
      }
    },
  };
}

/** `d0` … `d7`, each with `f0` … `f15` and a folder `sub` with one file. Every file holds its own path and a line. */
export function eightFolders(share: string): void {
  for (let d = 0; d < 8; d++) {
    const dir = join(share, `d${d}`);
    mkdirSync(join(dir, 'sub'), { recursive: true });
    for (let f = 0; f < 16; f++) writeFileSync(join(dir, `f${f}`), `d${d}/f${f}\nold\n`);
    writeFileSync(join(dir, 'sub/g'), 'old\n');
  }
}

/** Longer than the kernel may keep a name or attributes by itself, and shorter than what is watched is believed. */
export const PAST_THE_KERNEL_MS = 1200;
/** After so long a file's time of change tells of the next one (p9-server/qid.ts). */
export const YOUNG_MS = 600;

/** A server and a mount of its own of what is shared already. Ends with `t`, and then `last` is called. */
export async function another(
  t: { after(fn: () => Promise<void>): void },
  share: string,
  args: readonly string[] = [],
  last: () => void = () => undefined,
  list?: ListFolder,
): Promise<Mounted & { readonly server: ChildProcess }> {
  const fds: [number, number] = [-1, -1];
  if (socketpair(fds) < 0) throw new Error('socketpair');
  const sandbox = process.env.NINEFOLD_SANDBOX ?? 'none';
  const server: ChildProcess = spawn(
    process.execPath,
    [program('qfsd'), '3', '3', share, '--sandbox', sandbox, ...args],
    { stdio: ['ignore', 'ignore', 'inherit', fds[1]] },
  );
  openSys().close(fds[1]);
  const m = await mountOn(fds[0], {}, undefined, list);
  t.after(async () => {
    await m.close();
    openSys().close(fds[0]);
    server.kill();
    last();
  });
  return { ...m, server };
}
