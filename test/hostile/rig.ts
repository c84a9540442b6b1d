// SPDX-License-Identifier: MIT
// A mount of a server in this process. What uses the mount must be another process: this one serves it.

import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmdirSync } from 'node:fs';
import { Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Sys } from '../../src/base/sys.ts';
import { isOwnThread, listThrough } from '../../src/cli/mount/list-folder.ts';
import { openSys } from '../../src/linux/index.ts';
import {
  MNT_DETACH,
  MNT_FORCE,
  MS_NODEV,
  MS_NOSUID,
  mount,
  openFuse,
  umount,
} from '../../src/linux/mount.ts';
import { setNonblocking, socketpair } from '../../src/linux/net.ts';
import {
  attachSession,
  killIsPending,
  type ListFolder,
  type MountEnd,
  type MountOptions,
  MountStats,
  runMount,
} from '../../src/mount/index.ts';
import { FakeServer, type Thing } from './fake-server.ts';

export interface Ran {
  code: number | string;
  out: string;
  err: string;
}

/** Runs a program; never rejects. Killed after `ms`: the code is then SIGKILL. */
export function run(program: string, args: string[], ms = 10_000): Promise<Ran> {
  return new Promise((resolve) => {
    execFile(program, args, { timeout: ms, killSignal: 'SIGKILL', encoding: 'latin1' }, (e, out, err) => {
      resolve({ code: e === null ? 0 : (e.signal ?? e.code ?? -1), out, err });
    });
  });
}

export interface Mounted {
  readonly dir: string;
  readonly stats: MountStats;
  readonly log: string[];
  /** How it ended. */
  readonly end: Promise<MountEnd>;
  /** Runs a shell command with the mount as its folder. */
  sh(command: string, ms?: number): Promise<Ran>;
  unmount(): Promise<void>;
  close(): Promise<void>;
}

/** Mounts what is served at the other end of `fd`. The peer is up already. `list`: in place of listing folders through the mount. */
export async function mountOn(
  fd: number,
  options: Partial<MountOptions> = {},
  wrap: (sys: Sys) => Sys = (s) => s,
  list?: ListFolder,
): Promise<Mounted> {
  const sys = wrap(openSys());
  setNonblocking(fd, true);
  const session = await attachSession(sys, {
    readFd: fd,
    writeFd: fd,
    peer: 'a test',
    uname: 'root',
    nuname: 0,
    timeoutMs: 30_000,
  });
  const dir = mkdtempSync(join(tmpdir(), 'nf-mount-'));
  const fuse = openFuse();
  if (fuse < 0) throw new Error(`/dev/fuse: errno ${-fuse}`);
  setNonblocking(fuse, true);
  const data = `fd=${fuse},rootmode=40000,user_id=0,group_id=0,allow_other,default_permissions`;
  const r = mount('test', dir, 'fuse.ninefold', MS_NOSUID | MS_NODEV, data);
  if (r < 0) throw new Error(`mount: errno ${-r}`);
  const log: string[] = [];
  const stats = new MountStats();
  let ready: () => void = () => {};
  const isReady = new Promise<void>((resolve) => {
    ready = resolve;
  });
  const end = runMount({
    sys,
    fuseFd: fuse,
    readFd: fd,
    writeFd: fd,
    session,
    options: { actsAsRoot: true, ...options },
    stats,
    onReady: ready,
    log: (level, line) => log.push(`${level} ${line}`),
    isDying,
    list: list ?? listThrough(dir),
    isOwnThread,
  });
  let fuseOpen = true;
  const closed = end.then((how) => {
    // Closing the device makes every later access fail at once.
    sys.close(fuse);
    fuseOpen = false;
    return how;
  });
  await Promise.race([isReady, closed]);
  return {
    dir,
    stats,
    log,
    end: closed,
    sh: (command, ms) => run('/bin/sh', ['-c', `cd ${dir} && { ${command}\n}`], ms),
    async unmount() {
      umount(dir, MNT_DETACH | MNT_FORCE);
    },
    async close() {
      umount(dir, MNT_DETACH);
      await closed;
      if (fuseOpen) sys.close(fuse);
      rmdirSync(dir);
    },
  };
}

function isDying(pid: number): boolean | undefined {
  try {
    return killIsPending(readFileSync(`/proc/${pid}/status`, 'latin1'));
  } catch {
    return true;
  }
}

export interface Rig extends Mounted {
  readonly server: FakeServer;
}

/** A mount of a fake server with `root`, whose replies a test may bend. */
export async function rig(
  root: Thing,
  how: { version?: string; options?: Partial<MountOptions> } = {},
): Promise<Rig> {
  const pair: [number, number] = [-1, -1];
  if (socketpair(pair) < 0) throw new Error('socketpair');
  const server = new FakeServer(new Socket({ fd: pair[1] }), root);
  if (how.version !== undefined) server.version = how.version;
  const mounted = await mountOn(pair[0], how.options);
  return {
    ...mounted,
    server,
    async close() {
      await mounted.close();
      server.close();
      openSys().close(pair[0]);
    },
  };
}
