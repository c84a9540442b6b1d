// SPDX-License-Identifier: MIT

import { spawn } from 'node:child_process';
import { chownSync, existsSync, mkdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { program } from '../helpers/places.ts';
import { probe } from './caps.ts';
import type { Cap, Caps } from './case.ts';
import { openGround } from './ground.ts';
import { NOBODY } from './run.ts';
import { isV9fs, openV9fs } from './v9fs.ts';

export interface Target {
  dir: string;
  /** `dir` as a second client sees it, which has its own connection and caches. */
  second?: string;
  /** The folder that is shared, if it can be looked at without the target. */
  share?: string;
  /** An empty local folder on the same file system as the share. */
  beside?: string;
  caps: Caps;
  /** Takes the target away and puts it up again: nothing of it may be open. */
  remount?(): Promise<void>;
  close(): Promise<void>;
}

/** Why a mount of ours cannot be had here; undefined when it can. */
export function noMount(): string | undefined {
  if (!existsSync('/dev/fuse')) return 'needs /dev/fuse';
  if (process.geteuid?.() !== 0 && !existsSync('/usr/bin/fusermount3')) return 'needs the package fuse3';
  return undefined;
}

/** `local`: a folder of the system's temporary one. `mount`: such a folder, served and mounted by us. Else: that folder. */
export async function openTarget(name: string, asUser: boolean): Promise<Target> {
  const asRoot = process.geteuid?.() === 0 && !asUser;
  if (name === 'mount') return openMount(asRoot, asUser);
  if (isV9fs(name)) return openV9fs(name, asRoot, asUser);
  if (name !== 'local') return { dir: name, caps: probe(name, asRoot), close: async () => undefined };
  const ground = openGround('local');
  if (asUser) chownSync(ground.dir, NOBODY, NOBODY);
  // Here every process is a client of its own.
  const caps = { ...probe(ground.dir, asRoot), second: true as const };
  return { dir: ground.dir, second: ground.dir, caps, close: async () => ground.close() };
}

/** What the protocol has no message for, or the server does not carry by design. Everything else that the folder behind can do, its mount must do too. */
const NOT_CARRIED: Partial<Record<Cap, string>> = {
  renameFlags: '9P2000.L has no flags for rename',
  holes: '9P2000.L has no SEEK_DATA and SEEK_HOLE',
  fallocate: '9P2000.L has no fallocate',
  tmpfile: '9P2000.L has no O_TMPFILE',
  trusted: 'only user attributes are served',
  btime: 'the mount does not answer FUSE_STATX',
  acl: 'the mount does not have the kernel judge by ACLs (FUSE_POSIX_ACL)',
};

async function openMount(asRoot: boolean, asUser: boolean): Promise<Target> {
  const ground = openGround('mount');
  const [share = '', dir = '', second = '', beside = ''] = ['share', 'mnt', 'second', 'beside'].map((n) =>
    join(ground.dir, n),
  );
  for (const folder of [share, dir, second, beside]) {
    mkdirSync(folder);
    if (asUser) chownSync(folder, NOBODY, NOBODY);
  }
  const sandbox = process.env.NINEFOLD_SANDBOX ?? 'none';
  const serve = `exec "${process.execPath}" "${program('qfsd')}" 0 1 "${share}" --devices --sandbox ${sandbox}`;
  const options = asRoot ? 'symfollow,suid,dev,allow_other' : '';
  const extra = [process.env.NINEFOLD_MOUNT_OPTIONS ?? '', options].filter((o) => o !== '').join(',');
  const oArgs = extra === '' ? [] : ['-o', extra];
  const mounted = new Set<string>();
  const mount = async (folder: string): Promise<void> => {
    await ninefold(asUser, ['mount', ...oArgs, `exec:${serve}`, folder]);
    mounted.add(folder);
  };
  const unmount = async (folder: string): Promise<void> => {
    mounted.delete(folder);
    await ninefold(asUser, ['unmount', folder]);
  };
  const close = async (): Promise<void> => {
    for (const folder of [...mounted]) await unmount(folder);
    ground.close();
  };
  try {
    for (const folder of [dir, second]) await mount(folder);
    const remount = async (): Promise<void> => {
      for (const folder of [dir, second]) {
        await unmount(folder);
        await mount(folder);
      }
    };
    return { dir, second, share, beside, caps: mountCaps(share, asRoot), remount, close };
  } catch (error) {
    await close();
    throw error;
  }
}

/** The folder behind tells what can be expected; a mount that cannot do it fails the cases instead of hiding them. */
function mountCaps(share: string, asRoot: boolean): Caps {
  const caps = { ...probe(share, asRoot), second: true as const } as Record<Cap, true | string>;
  for (const [cap, why] of Object.entries(NOT_CARRIED) as [Cap, string][]) caps[cap] = why;
  return caps;
}

/** Runs `ninefold` and waits for it; what it leaves in the background keeps running. Throws with its words when it fails. */
function ninefold(asUser: boolean, args: readonly string[]): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [program('ninefold'), ...args], {
      stdio: ['ignore', 'ignore', 'pipe'],
      env: asUser ? { PATH: process.env.PATH, HOME: tmpdir() } : process.env,
      ...(asUser ? { uid: NOBODY, gid: NOBODY } : {}),
    });
    let words = '';
    child.stderr.on('data', (d: Buffer) => (words += d.toString()));
    child.once('error', reject);
    // Not `close`: the mount that stays behind may hold the pipe.
    child.once('exit', (code) => {
      child.stderr.destroy();
      if (code === 0) resolve();
      else reject(new Error(`ninefold ${args[0]} ended with ${code}: ${words.trim()}`));
    });
  });
}
