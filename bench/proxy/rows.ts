// SPDX-License-Identifier: MIT

import { mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { O_CREAT, O_DIRECTORY, O_EXCL, O_RDONLY, O_RDWR } from '../../src/base/sys.ts';
import type { ProxyName } from '../../src/proxyfs/messages.ts';
import { type ProxyFields, request } from '../../test/helpers/raw-proxy.ts';

/** A workload of the helper: requests that are sent one after the other. */
export interface ProxyRow {
  /** What `--row` matches. */
  readonly key: string;
  readonly title: string;
  /** How many requests a full measurement has, about. */
  readonly count: number;
  /** Answers that are a failure are answers too. */
  readonly mayFail?: boolean;
  /** The requests, made before anything is measured, in the exported folder `dir`, whose files `prepare` may make behind the helper's back. */
  readonly prepare: (dir: string, count: number) => { requests: Uint8Array[]; after?: () => void };
}

/** Where files lie: three levels down, as in a tree that someone works in. */
const DEEP = 'home/user/project';
const FILES = 200;
const name = (i: number): string => `file-${String(i % FILES).padStart(3, '0')}.txt`;
const at = (i: number): string => `//${DEEP}/${name(i)}`;

/** Fills an empty export. */
export function fillExport(dir: string): void {
  mkdirSync(join(dir, DEEP), { recursive: true });
  for (let i = 0; i < FILES; i++) writeFileSync(join(dir, DEEP, name(i)), 'x'.repeat(100));
  symlinkSync('file-000.txt', join(dir, DEEP, 'link'));
  writeFileSync(join(dir, 'top.txt'), 'x');
}

const USER = { uid: 1000, gid: 1000 };
let serial = 0;

/** A new folder for what a row makes; its name counts up, so that no two runs meet. */
function fresh(dir: string): { path: string; after: () => void } {
  const path = `${DEEP}/made-${serial++}`;
  mkdirSync(join(dir, path), { mode: 0o777 });
  return { path: `//${path}`, after: () => rmSync(join(dir, path), { recursive: true }) };
}

function same(type: ProxyName, fields: (i: number) => ProxyFields): ProxyRow['prepare'] {
  return (_dir, count) => ({ requests: Array.from({ length: count }, (_, i) => request(type, fields(i))) });
}

/** Making and removing, in an order in which each succeeds. */
function changes(
  dir: string,
  count: number,
  user: { uid: number; gid: number },
): ReturnType<ProxyRow['prepare']> {
  const { path, after } = fresh(dir);
  const requests: Uint8Array[] = [];
  for (let i = 0; requests.length < count; i++) {
    const file = `${path}/${i}`;
    requests.push(
      request('create', { path: file, flags: O_CREAT | O_EXCL | O_RDWR, mode: 0o644, ...user }),
      request('chmod', { path: file, mode: 0o600 }),
      request('utime', { path: file, atimeSec: 1, mtimeSec: 2 }),
      request('rename', { path: file, path2: `${file}-new` }),
      request('remove', { path: `${file}-new` }),
      request('mkdir', { path: file, mode: 0o755, ...user }),
      request('remove', { path: file }),
      request('symlink', { path: file, path2: 'target', ...user }),
      request('remove', { path: file }),
    );
  }
  return { requests, after };
}

/**
 * What QEMU asks while a guest works as test/guest/proxy-work.ts does (trees copied in, tar, grep, sed, chmod -R, rm -r …), in the proportions of such a run: 25,700 requests,
 * of which lstat 51 %, lgetxattr 26 % (ACLs that are not there), getversion 17 %, open 2.3 %, statfs 1.7 %, changes 1.9 %; three of ten fail.
 */
function asGuest(dir: string, count: number): ReturnType<ProxyRow['prepare']> {
  const { path, after } = fresh(dir);
  const requests: Uint8Array[] = [];
  for (let round = 0; requests.length < count; round++) {
    const file = (i: number): string => at(round * 7 + i);
    for (let i = 0; i < 13; i++) {
      requests.push(
        request('lstat', { path: file(i) }),
        request('lgetxattr', {
          path: file(i),
          name: `system.posix_acl_${i % 2 === 0 ? 'access' : 'default'}`,
          size: 0,
        }),
        request('lstat', { path: [`//${DEEP}`, '//home/user', `${file(i)}-missing`][i % 3] as string }),
      );
      if (i % 3 !== 2) requests.push(request('getversion', { path: file(i) }));
    }
    requests.push(
      request('open', { path: file(0), flags: round % 2 === 0 ? O_RDONLY : O_RDONLY | O_DIRECTORY }),
    );
    requests.push(request('statfs', { path: '/' }));
    const made = `${path}/${round >> 2}`;
    const change = [
      request('create', { path: made, flags: O_CREAT | O_EXCL | O_RDWR, mode: 0o644, ...USER }),
      request('chmod', { path: made, mode: 0o600 }),
      request('utime', { path: made, atimeSec: 1, mtimeSec: 2 }),
      request('remove', { path: made }),
    ];
    requests.push(change[round % 4] as Uint8Array);
  }
  return { requests, after };
}

export const PROXY_ROWS: readonly ProxyRow[] = [
  { key: 'guest', title: 'as a guest at work asks', count: 25_000, mayFail: true, prepare: asGuest },
  {
    key: 'lstat',
    title: 'lstat, four levels down',
    count: 20_000,
    prepare: same('lstat', (i) => ({ path: at(i) })),
  },
  {
    key: 'lstat-top',
    title: 'lstat, at the top',
    count: 20_000,
    prepare: same('lstat', () => ({ path: '//top.txt' })),
  },
  {
    key: 'getversion',
    title: 'getversion',
    count: 10_000,
    prepare: same('getversion', (i) => ({ path: at(i) })),
  },
  {
    key: 'readlink',
    title: 'readlink',
    count: 10_000,
    prepare: same('readlink', () => ({ path: `//${DEEP}/link`, size: 4096 })),
  },
  {
    key: 'xattr',
    title: 'llistxattr',
    count: 10_000,
    prepare: same('llistxattr', (i) => ({ path: at(i), size: 0 })),
  },
  {
    key: 'open',
    title: 'open of a file',
    count: 10_000,
    prepare: same('open', (i) => ({ path: at(i), flags: O_RDONLY })),
  },
  {
    key: 'opendir',
    title: 'open of a folder',
    count: 10_000,
    prepare: same('open', () => ({ path: `//${DEEP}`, flags: O_RDONLY | O_DIRECTORY })),
  },
  {
    key: 'changes',
    title: 'create, chmod, utime, rename, mkdir, symlink, remove for root',
    count: 9000,
    prepare: (dir, count) => changes(dir, count, { uid: 0, gid: 0 }),
  },
  {
    key: 'changes-user',
    title: 'the same for a user',
    count: 9000,
    prepare: (dir, count) => changes(dir, count, USER),
  },
  { key: 'statfs', title: 'statfs', count: 5000, prepare: same('statfs', () => ({ path: '/' })) },
];
