// SPDX-License-Identifier: MIT

import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync, rmdirSync } from 'node:fs';
import { errnoName } from '../../src/base/errno.ts';
import { openSys } from '../../src/linux/index.ts';
import { socketpair } from '../../src/linux/net.ts';
import { ended, endsWithin, killTree, tailOf } from '../common/child.ts';
import type { Cleanup } from '../common/cleanup.ts';
import { Meter } from '../common/cpu.ts';
import { packageVersion, which } from '../common/package.ts';
import { program } from '../common/place.ts';
import { mounted, unmount } from './point.ts';

/** A way to see a folder somewhere else. */
export interface MountPeer {
  /** The column's head. */
  readonly name: string;
  available(): boolean;
  /** What to do when it is not. */
  readonly missing: string;
  version(): string;
  /** Makes `served` seen and returns where. The function that it returns undoes it. */
  open(served: string, point: string, cleanup: Cleanup): Promise<Opened>;
}

export interface Opened {
  readonly root: string;
  /** Nanoseconds of CPU that the system's own processes have used so far. */
  cpu(): number;
  close(): Promise<void>;
}

/** The same for all: what ours has by default. */
const OPTIONS = 'default_permissions,nosuid,nodev';
const GRACE_MS = 5000;

export const LOCAL: MountPeer = {
  name: 'local',
  available: () => true,
  missing: '',
  version: () => 'folder',
  open: async (served) => ({ root: served, cpu: () => 0, close: async () => undefined }),
};

export const OURS: MountPeer = {
  name: 'ninefold',
  available: () => program('ninefold') !== undefined && program('qfsd') !== undefined,
  missing: 'npm run build',
  version: () => 'this tree',
  open: (served, point, cleanup) => {
    const server = [process.execPath, program('qfsd') as string, '0', '1', served].map(quoted).join(' ');
    const argv = [
      process.execPath,
      program('ninefold') as string,
      'mount',
      '--foreground',
      `exec:${server}`,
      point,
    ];
    return onMount(point, cleanup, () => [start(argv, 'ignore')]);
  },
};

export const BINDFS: MountPeer = {
  name: 'bindfs',
  available: () => which('bindfs') !== undefined,
  missing: 'Debian package bindfs',
  version: () => packageVersion('bindfs'),
  open: (served, point, cleanup) =>
    onMount(point, cleanup, () => [start(['bindfs', '-f', '-o', OPTIONS, served, point], 'ignore')]),
};

/** sshfs and sftp-server on one socket pair: no SSH, no network. */
function sshfs(name: string, extra: string): MountPeer {
  return {
    name,
    available: () => which('sshfs') !== undefined && which('sftp-server') !== undefined,
    missing: 'Debian packages sshfs and openssh-sftp-server',
    version: () => packageVersion('sshfs'),
    open: (served, point, cleanup) =>
      onMount(point, cleanup, () => {
        const pair: [number, number] = [-1, -1];
        const r = socketpair(pair);
        if (r < 0) throw new Error(`no socket pair: ${errnoName(r)}`);
        const [a, b] = pair;
        const children = [
          start([which('sftp-server') as string, '-e'], a),
          start(['sshfs', '-f', '-o', `passive,${OPTIONS}${extra}`, `:${served}`, point], b),
        ];
        openSys().close(a);
        openSys().close(b);
        return children;
      }),
  };
}

export const SSHFS: readonly MountPeer[] = [sshfs('sshfs', ''), sshfs('sshfs dir_cache=no', ',dir_cache=no')];

export const MOUNT_PEERS: readonly MountPeer[] = [OURS, LOCAL, BINDFS, ...SSHFS];

interface Started {
  readonly name: string;
  readonly child: ChildProcess;
  said(): string;
}

function start(argv: readonly string[], stdio: number | 'ignore'): Started {
  const [file = '', ...args] = argv;
  // Each in a session of its own, as daemons are: between sessions the scheduler works more (sched_autogroup).
  const child = spawn(file, args, { stdio: [stdio, stdio, 'pipe'], detached: true });
  // Told by `mounted`, which looks at the child.
  child.on('error', () => undefined);
  return { name: file, child, said: tailOf(child) };
}

async function onMount(point: string, cleanup: Cleanup, launch: () => Started[]): Promise<Opened> {
  mkdirSync(point);
  let started: Started[] = [];
  const undo = cleanup.add(`mount ${point}`, () => {
    unmount(point);
    for (const s of started) killTree(s.child);
    rmdirSync(point);
  });
  started = launch();
  try {
    await mounted(point, () => {
      const over = started.find((s) => s.child.pid === undefined || ended(s.child));
      return over === undefined ? undefined : `${over.name} ended: ${over.said()}`;
    });
  } catch (error) {
    undo();
    throw error;
  }
  const close = async (): Promise<void> => {
    unmount(point);
    for (const s of started) await endsWithin(s.child, GRACE_MS);
    undo();
  };
  const meters = started.map((s) => new Meter(s.child.pid as number));
  return { root: point, cpu: () => meters.reduce((sum, m) => sum + m.cpu(), 0), close };
}

function quoted(word: string): string {
  return `'${word.replaceAll("'", "'\\''")}'`;
}
