// SPDX-License-Identifier: MIT
// The two last names of a Twalk are looked up at once (handlers/walk.ts).

import assert from 'node:assert/strict';
import {
  closeSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  renameSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { scratch } from '../../test/helpers/places.ts';
import { ENOSYS } from '../base/errno.ts';
import { O_DIRECTORY, type Sys } from '../base/sys.ts';
import { Turns } from '../base/turns.ts';
import { openSys } from '../linux/index.ts';
import { Writer } from '../p9/coder.ts';
import { NOFID } from '../p9/constants.ts';
import { T } from '../p9/messages.ts';
import { Msg } from '../p9/msg.ts';
import type { Wire } from './backend.ts';
import { DEFAULT_OPTIONS, Folder, type ServerOptions, Stats } from './index.ts';

const sys = openSys();
const ROOT = 0;
const QID = 13;
/** Of what is only walked and attached to, nothing is written to a peer. */
const nobody = {} as Wire;

/** A folder, served through `over` instead of the system calls of those names. */
function served(t: TestContext, dir: string, over: Partial<Sys> = {}, options: Partial<ServerOptions> = {}) {
  const rootFd = openSync(dir, O_DIRECTORY);
  t.after(() => closeSync(rootFd));
  const folder = new Folder(
    { ...sys, ...over },
    new Turns(sys),
    rootFd,
    { ...DEFAULT_OPTIONS, ...options },
    new Stats(),
  );
  t.after(() => folder.reset());
  const ask = (type: number, fields: Partial<Msg>, ...names: string[]) => {
    const m = Object.assign(new Msg(), { type, ...fields, nwname: names.length });
    for (const [i, name] of names.entries()) m.names[i]?.set(Buffer.from(name), 0, Buffer.byteLength(name));
    const body = new Uint8Array(8192);
    const w = new Writer(body);
    const r = folder.handle(m, w, nobody);
    return { r, body: Buffer.from(body.subarray(0, w.pos)) };
  };
  assert.equal(ask(T.attach, { fid: ROOT, afid: NOFID, nuname: process.getuid?.() ?? 0 }).r, 0);
  /** The errno, or the inode numbers on the way. */
  const walk = (newfid: number, ...names: string[]): number | number[] => {
    const { r, body } = ask(T.walk, { fid: ROOT, newfid }, ...names);
    if (r < 0) return -r;
    assert.equal(body.length, 2 + QID * body.readUInt16LE(0));
    return Array.from({ length: body.readUInt16LE(0) }, (_, i) =>
      Number(body.readBigUInt64LE(2 + QID * i + 5)),
    );
  };
  return { folder, walk };
}

const inode = (path: string): number => lstatSync(path).ino;
const descriptors = (): number => readdirSync('/proc/self/fd').length;

/** A share with `a/b/c/d/file`, and links at both ends of a way. */
function share(t: TestContext): { dir: string; way: number[] } {
  const dir = join(scratch(t, 'walk-two'), 'share');
  mkdirSync(join(dir, 'a/b/c/d'), { recursive: true });
  writeFileSync(join(dir, 'a/b/c/d/file'), 'x');
  symlinkSync('b', join(dir, 'a/link'));
  symlinkSync('a', join(dir, 'to-a'));
  const way = ['a', 'a/b', 'a/b/c', 'a/b/c/d', 'a/b/c/d/file'].map((p) => inode(join(dir, p)));
  return { dir, way };
}

test('a way is the same whether it is walked at once or name by name, with openat2 and without', (t) => {
  const { dir, way } = share(t);
  const without = { openat2: () => -ENOSYS };
  const old = DEFAULT_OPTIONS.except;
  for (const [over, options] of [
    [{}, {}],
    [without, {}],
    [{}, { noSymlinks: true }],
    [{}, { except: [...old, 'nothing'] }],
  ] as const) {
    const { walk, folder } = served(t, dir, over, options);
    const before = descriptors();
    for (let n = 1; n <= way.length; n++) {
      assert.deepEqual(walk(n, ...['a', 'b', 'c', 'd', 'file'].slice(0, n)), way.slice(0, n));
      // Each object is held by one descriptor, and nothing else is left open.
      assert.equal(descriptors(), before + n);
    }
    assert.deepEqual(walk(20, 'a', 'b', 'missing', 'x'), way.slice(0, 2));
    assert.deepEqual(walk(20, 'a', 'b', 'c', 'missing'), way.slice(0, 3));
    assert.deepEqual(walk(20, 'a', 'b', 'c', 'd', 'file', 'x'), way);
    assert.equal(walk(20, 'missing', 'x'), 2);
    assert.equal(descriptors(), before + way.length);
    // The way up is found by openat2 alone.
    if (over === without) continue;
    assert.deepEqual(walk(20, 'a', '..'), [inode(join(dir, 'a')), inode(dir)]);
    assert.equal(folder.fids.get(20)?.node.isDir, true);
  }
});

test('a link is an object like any other at the end of a way, and nothing lies below it', (t) => {
  const { dir, way } = share(t);
  const { walk, folder } = served(t, dir);
  assert.deepEqual(walk(1, 'a', 'link'), [way[0], inode(join(dir, 'a/link'))]);
  assert.equal(folder.fids.get(1)?.node.isSymlink, true);
  assert.deepEqual(walk(2, 'to-a', 'b'), [inode(join(dir, 'to-a'))]);
  assert.equal(folder.fids.has(2), false);
  assert.equal(walk(2, 'a/b', 'c'), 22);
  assert.equal(walk(2, '', 'c'), 2);
  const hidden = served(t, dir, {}, { noSymlinks: true }).walk;
  assert.deepEqual(hidden(1, 'a', 'link'), [way[0]]);
  assert.equal(hidden(1, 'to-a', 'b'), 2);
});

test('a folder that becomes a link between the two looks leads nowhere', (t) => {
  const { dir } = share(t);
  const outside = join(dir, '..', 'outside');
  mkdirSync(outside);
  writeFileSync(join(outside, 'b'), 'secret');
  for (const to of ['../outside', '..', outside]) {
    let swaps = 0;
    const { walk, folder } = served(t, dir, {
      statat: (...args) => {
        const r = sys.statat(...args);
        if (swaps++ === 0) {
          renameSync(join(dir, 'a'), join(dir, 'was-a'));
          symlinkSync(to, join(dir, 'a'));
        }
        return r;
      },
    });
    const link = walk(1, 'a', 'b');
    assert.equal(swaps, 1);
    assert.deepEqual(link, [inode(join(dir, 'a'))]);
    assert.equal(folder.fids.has(1), false);
    renameSync(join(dir, 'was-a'), join(dir, 'b'));
    renameSync(join(dir, 'a'), join(dir, 'gone'));
    renameSync(join(dir, 'b'), join(dir, 'a'));
  }
});
