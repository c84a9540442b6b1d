// SPDX-License-Identifier: MIT

import { type ChildProcess, spawn } from 'node:child_process';
import { chownSync, closeSync, existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { because } from '../../src/base/error.ts';
import { MNT_DETACH, mount, umount } from '../../src/linux/mount.ts';
import { socketpair } from '../../src/linux/net.ts';
import { program } from '../helpers/places.ts';
import { probe } from './caps.ts';
import type { Cap, Caps } from './case.ts';
import { openGround } from './ground.ts';
import { NOBODY } from './run.ts';
import type { Target } from './targets.ts';

const UNMOUNT_TRIES = 20;

/**
 * What Linux' client of 9P cannot carry, by its source (fs/9p of 6.1). Everything else that the folder behind can do is expected of the
 * mount, whatever the server.
 */
const NOT_CARRIED: Partial<Record<Cap, string>> = {
  renameFlags: 'the kernel client refuses flags of renameat2 with EINVAL (v9fs_vfs_rename)',
  holes: 'the kernel client takes holes for data (its llseek is generic_file_llseek)',
  fallocate: 'the kernel client has no fallocate operation',
  tmpfile: 'the kernel client has no tmpfile operation',
  btime: 'the kernel client fills statx by generic_fillattr, which has no time of birth',
};

/** Target names: `v9fs:cache=none,access=client` (our server) and `diod:…` (diod), with the options of the mount. */
export function isV9fs(name: string): boolean {
  return /^(v9fs|diod)(:|$)/.test(name);
}

/** A folder of the system's temporary one, served over a socket pair and mounted by the kernel's own client. Only root can. */
export async function openV9fs(name: string, asRoot: boolean, asUser: boolean): Promise<Target> {
  const [server = '', given = ''] = name.split(':');
  const ground = openGround('v9fs');
  const share = join(ground.dir, 'share');
  const mountpoints = ['mnt', 'second'].map((n) => join(ground.dir, n));
  const beside = join(ground.dir, 'beside');
  for (const dir of [share, beside, ...mountpoints]) {
    mkdirSync(dir);
    if (asUser) chownSync(dir, NOBODY, NOBODY);
  }
  const any = /(^|,)access=any(,|$)/.test(given);
  const mounts: Mounted[] = [];
  const closeAll = async (): Promise<void> => {
    for (const m of mounts.splice(0)) {
      await unmount(m.dir);
      await ended(m.child);
    }
  };
  const openAll = (): void => {
    for (const dir of mountpoints) mounts.push(mountOne(name, share, dir, asUser, any));
  };
  const close = async (): Promise<void> => {
    await closeAll();
    ground.close();
  };
  const remount = async (): Promise<void> => {
    await closeAll();
    openAll();
  };
  try {
    openAll();
  } catch (error) {
    await close();
    throw error;
  }
  const [dir = '', second = ''] = mountpoints;
  return { dir, second, share, beside, caps: caps(share, asRoot, server, any), remount, close };
}

interface Mounted {
  dir: string;
  child: ChildProcess;
}

/** One client and its server. */
function mountOne(name: string, share: string, dir: string, asUser: boolean, any: boolean): Mounted {
  const [server = '', given = ''] = name.split(':');
  const { child, fd } = serve(server, share, asUser && any);
  const options = ['trans=fd', 'locktimeout=1', `rfdno=${fd}`, `wfdno=${fd}`, 'version=9p2000.L'];
  // diod exports by path; our server has one folder. With access=any everyone is the user of this name.
  options.push(`uname=${asUser ? 'nobody' : 'root'}`, ...(server === 'diod' ? [`aname=${share}`] : []));
  if (!any) options.push('posixacl');
  const r = mount(name, dir, '9p', 0, [...options, given].filter((o) => o !== '').join(','));
  closeSync(fd);
  if (r < 0) {
    child.kill();
    throw new Error(`cannot mount ${name}: ${because(r)}`);
  }
  return { dir, child };
}

function serve(server: string, share: string, asUser: boolean): { child: ChildProcess; fd: number } {
  const pair: [number, number] = [-1, -1];
  const r = socketpair(pair);
  if (r < 0) throw new Error(`no socket pair: ${because(r)}`);
  const [ours, theirs] = pair;
  const ninefold = [program('qfsd'), '3', '3', share, '--devices', '--acl', '--sandbox', 'none'];
  // -N: users that this system does not know act as themselves, as on our server.
  const diod = ['-c', '/dev/null', '-f', '-n', '-N', '-L', 'stderr', '-e', share, '-r', '3', '-w', '3'];
  if (server === 'diod' && !existsSync('/usr/sbin/diod')) throw new Error('needs the package diod');
  const child = spawn(
    server === 'diod' ? '/usr/sbin/diod' : process.execPath,
    server === 'diod' ? diod : ninefold,
    {
      stdio: ['ignore', 'inherit', 'inherit', theirs],
      ...(asUser ? { uid: NOBODY, gid: NOBODY } : {}),
    },
  );
  closeSync(theirs);
  return { child, fd: ours };
}

/** The folder behind tells what can be expected; a mount that cannot do it fails the cases instead of hiding them. */
function caps(share: string, asRoot: boolean, server: string, any: boolean): Caps {
  const all = { ...probe(share, asRoot), ...NOT_CARRIED, second: true as const } as Record<
    Cap,
    true | string
  >;
  if (server !== 'diod') all.trusted = 'only user attributes are served';
  if (any) {
    all.root = 'with access=any everyone acts as one user';
    all.acl = 'the kernel client has ACLs with access=client only';
  }
  return all;
}

/** A process of a case may still be ending: retried for a while, then detached. */
async function unmount(mountpoint: string): Promise<void> {
  for (let i = 0; i < UNMOUNT_TRIES; i++) {
    if (umount(mountpoint, 0) === 0) return;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  const r = umount(mountpoint, MNT_DETACH);
  if (r < 0) throw new Error(`cannot unmount ${mountpoint}: ${because(r)}`);
}

function ended(child: ChildProcess): Promise<void> {
  return new Promise((resolve) => {
    if (child.exitCode !== null || child.signalCode !== null) return resolve();
    const timer = setTimeout(() => child.kill('SIGKILL'), 5000);
    child.once('exit', () => {
      clearTimeout(timer);
      resolve();
    });
  });
}
