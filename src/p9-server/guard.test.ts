// SPDX-License-Identifier: MIT
// Folders inside the share that are not for the client: every message that could get there, or make it lie somewhere else.
import assert from 'node:assert/strict';
import {
  existsSync,
  linkSync,
  mkdirSync,
  readdirSync,
  renameSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { scratch } from '../../test/helpers/places.ts';
import type { Fields, Raw9p } from '../../test/helpers/raw9p.ts';
import { withFolder } from '../../test/helpers/share.ts';
import { EACCES, ENOENT } from '../base/errno.ts';
import { S_IFREG } from '../base/stat.ts';
import { AT_REMOVEDIR } from '../base/sys.ts';
import { T } from '../p9/messages.ts';

const EXCEPT = ['a/secret', 'a/secret/deep', 'plain', 'none/later', 'link/x', 'a/open/empty'];

/** A share with such folders in it, served in this process, and a raw client of it. fid 1 is `a`, fid 2 `a/open`. */
async function share(
  t: TestContext,
  body: (c: Raw9p, at: (path: string) => string) => Promise<void>,
): Promise<void> {
  const dir = scratch(t, 'guard');
  const at = (path: string): string => join(dir, path);
  for (const path of ['a/secret/deep', 'a/open/empty', 'b']) mkdirSync(at(path), { recursive: true });
  for (const path of ['a/secret/file', 'a/open/file', 'plain']) writeFileSync(at(path), path);
  symlinkSync('a', at('link'));
  await withFolder(dir, { options: { except: EXCEPT } }, async (client) => {
    for (const [fid, names] of [
      [1, ['a']],
      [2, ['a', 'open']],
    ] as const)
      assert.equal((await client.walk(0, fid, ...names)).errno, 0);
    await body(client, at);
  });
}

/** How far a walk from the root comes: the number of names, or -errno at the first. */
async function reach(c: Raw9p, path: string, from = 0): Promise<number> {
  const r = await c.walk(from, 50, ...path.split('/'));
  if (r.errno !== 0) return -r.errno;
  if (r.msg.nwqid === path.split('/').length) await c.call(T.clunk, { fid: 50 });
  return r.msg.nwqid;
}

test('no walk gets there, from wherever it starts; everything else is as ever', (t) =>
  share(t, async (c) => {
    for (const [path, far] of [
      ['a/open/file', 3],
      ['a/secret', 1],
      ['a/secret/file', 1],
      ['a/secret/deep', 1],
      ['a/open/../secret', 3],
      ['a/open/../../a/secret/file', 5],
      ['plain', -EACCES],
      ['none', -ENOENT],
      ['nothing', -ENOENT],
      ['link', -EACCES],
      ['b', 1],
    ] as const)
      assert.equal(await reach(c, path), far, path);
    assert.equal(await reach(c, 'secret', 1), -EACCES);
    assert.equal(await reach(c, '../secret', 2), 1);
    // That it is there is no secret.
    assert.equal((await c.call(T.lookup, { fid: 1, name: 'secret' })).errno, 0);
    assert.equal((await c.call(T.lopen, { fid: 2, flags: 0 })).errno, 0);
  }));

test('what the owner does meanwhile opens nothing: moved, made anew, linked, come up later', (t) =>
  share(t, async (c, at) => {
    renameSync(at('a/secret'), at('a/other'));
    assert.equal(await reach(c, 'a/other'), 1, 'it is the same folder');
    mkdirSync(at('a/secret'));
    assert.equal(await reach(c, 'a/secret'), 1, 'and this one has its path');
    renameSync(at('a/other'), at('b/elsewhere'));
    assert.equal(await reach(c, 'b/elsewhere/file'), 1);
    linkSync(at('plain'), at('b/same'));
    assert.equal(await reach(c, 'b/same'), 1);
    // Nor does the message that opens what it was to create.
    assert.equal((await c.walk(0, 3, 'b')).errno, 0);
    for (const name of ['same', 'elsewhere']) {
      assert.equal((await c.walk(3, 4)).errno, 0);
      const create = { fid: 4, name, flags: 0, mode: 0o644, gid: 0 };
      assert.equal((await c.call(T.lcreate, create)).errno, EACCES, name);
      await c.call(T.clunk, { fid: 4 });
    }
    mkdirSync(at('none/later'), { recursive: true });
    assert.equal(await reach(c, 'none'), -EACCES);
    // What the client has already, moved in there by the owner: no way up leads into it.
    renameSync(at('a/open'), at('b/elsewhere/open'));
    assert.equal(await reach(c, '..', 2), -EACCES);
    renameSync(at('a'), at('c'));
    mkdirSync(at('a/secret'), { recursive: true });
    assert.equal(await reach(c, 'a'), -EACCES, 'another folder in the way to it');
    assert.equal(await reach(c, 'c/secret'), 1);
  }));

const attempts: readonly (readonly [what: string, type: number, fields: Fields])[] = [
  ['move it', T.renameat, { fid: 1, name: 'secret', newdirfid: 0, name2: 'mine' }],
  ['move what it is in', T.renameat, { fid: 0, name: 'a', newdirfid: 0, name2: 'mine' }],
  ['the same, the older way', T.rename, { fid: 1, dfid: 0, name: 'mine' }],
  ['put a folder in its place', T.renameat, { fid: 0, name: 'b', newdirfid: 1, name2: 'secret' }],
  ['put another in the place of what it is in', T.renameat, { fid: 0, name: 'b', newdirfid: 0, name2: 'a' }],
  ['move one into the way', T.renameat, { fid: 0, name: 'b', newdirfid: 0, name2: 'none' }],
  ['remove it', T.unlinkat, { fid: 1, name: 'secret', flags: AT_REMOVEDIR }],
  ['remove an empty one', T.unlinkat, { fid: 2, name: 'empty', flags: AT_REMOVEDIR }],
  ['remove a file', T.unlinkat, { fid: 0, name: 'plain', flags: 0 }],
  ['remove what it is in', T.remove, { fid: 1 }],
  ['open a file by creating it', T.lcreate, { fid: 3, name: 'plain', flags: 0, mode: 0o644, gid: 0 }],
  ['open it by creating it', T.lcreate, { fid: 4, name: 'secret', flags: 0, mode: 0o644, gid: 0 }],
  ['make the way', T.mkdir, { dfid: 0, name: 'none', mode: 0o755, gid: 0 }],
  ['make a link in the way', T.symlink, { fid: 0, dfid: 0, name: 'none', name2: 'b', gid: 0 }],
  ['make a file in the way', T.mknod, { dfid: 0, name: 'none', mode: S_IFREG | 0o644, gid: 0 }],
  ['link a file into the way', T.link, { dfid: 0, fid: 5, name: 'none' }],
];

for (const [what, type, fields] of attempts)
  test(`refused, and nothing has changed: ${what}`, (t) =>
    share(t, async (c, at) => {
      await c.walk(0, 3);
      await c.walk(1, 4);
      await c.walk(2, 5, 'file');
      const before = readdirSync(at('.'), { recursive: true }).map(String).toSorted();
      assert.equal((await c.call(type, fields)).errno, EACCES);
      assert.deepEqual(readdirSync(at('.'), { recursive: true }).map(String).toSorted(), before);
    }));

test('names like those on a way are free elsewhere', (t) =>
  share(t, async (c, at) => {
    assert.equal((await c.walk(0, 6, 'b')).errno, 0);
    for (const name of ['secret', 'a', 'none', 'plain'])
      assert.equal((await c.call(T.mkdir, { dfid: 6, name, mode: 0o755, gid: 0 })).errno, 0, name);
    assert.equal(await reach(c, 'secret', 6), 1);
    const move = { fid: 6, name: 'secret', newdirfid: 6, name2: 'deep' };
    assert.equal((await c.call(T.renameat, move)).errno, 0);
    assert.ok(existsSync(at('b/deep')));
  }));
