// SPDX-License-Identifier: MIT
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { VERSION_EXT } from '../../src/p9/constants.ts';
import { T } from '../../src/p9/messages.ts';
import type { Fields } from '../helpers/raw9p.ts';
import { type Arena, hashTree, inArenas } from './arena.ts';

/** Names that are no single component. `..` in Twalk is the one that has a meaning, and it ends at the root. */
const NAMES: readonly (readonly [string, (a: Arena) => string | Uint8Array])[] = [
  ['empty', () => ''],
  ['.', () => '.'],
  ['..', () => '..'],
  ['/', () => '/'],
  ['/..', () => '/..'],
  ['two components', () => 'dir/inner'],
  ['up and beside', () => '../canary'],
  ['up to a file', () => '../secret'],
  ['far up', () => '../../../../../../etc/passwd'],
  ['down and up', () => 'dir/../../secret'],
  ['absolute', (a) => `${a.base}/secret`],
  ['absolute to the share itself', (a) => a.share],
  ['through a symlink', () => 'to-dir/secret'],
  ['slash at the end', () => 'dir/'],
  ['slash at the beginning', () => '/file'],
  ['dot slash', () => './file'],
  ['a sibling with the same beginning', () => '../share-not/secret'],
  ['NUL alone', () => '\0'],
  ['NUL at the end', () => 'file\0'],
  ['NUL in the middle', () => 'file\0/../../secret'],
  ['.. and NUL', () => '..\0'],
  ['256 bytes', () => 'x'.repeat(256)],
  ['4,096 bytes', () => 'x'.repeat(4096)],
  ['65,535 bytes', () => 'x'.repeat(65_535)],
  ['4,000 times up', () => '../'.repeat(4000)],
];

type Request = readonly [string, number, (name: string | Uint8Array) => Fields];

/** Every message that carries a name. Fid 0: the root, 1: the folder `dir`, 2: the file, 3: a symlink out of the share. */
const MESSAGES: readonly Request[] = [
  ['Twalk', T.walk, (name) => ({ fid: 0, newfid: 9, names: [name] })],
  ['Twalk before a good name', T.walk, (name) => ({ fid: 0, newfid: 9, names: [name, 'secret'] })],
  ['Tlcreate', T.lcreate, (name) => ({ fid: 0, name, flags: 0o1102, mode: 0o644, gid: 0 })],
  ['Tlcreate for reading', T.lcreate, (name) => ({ fid: 0, name, flags: 0, mode: 0o644, gid: 0 })],
  ['Tmkdir', T.mkdir, (name) => ({ dfid: 0, name, mode: 0o755, gid: 0 })],
  ['Tsymlink', T.symlink, (name) => ({ dfid: 0, name, name2: 'target', gid: 0 })],
  ['Tmknod', T.mknod, (name) => ({ dfid: 0, name, mode: 0o010644, gid: 0 })],
  ['Tmknod of a file', T.mknod, (name) => ({ dfid: 0, name, mode: 0o100644, gid: 0 })],
  ['Tunlinkat', T.unlinkat, (name) => ({ fid: 0, name, flags: 0 })],
  ['Tunlinkat of a folder', T.unlinkat, (name) => ({ fid: 0, name, flags: 0x200 })],
  ['Trenameat, old', T.renameat, (name) => ({ fid: 0, name, newdirfid: 0, name2: 'stolen' })],
  ['Trenameat, new', T.renameat, (name) => ({ fid: 0, name: 'file', newdirfid: 0, name2: name })],
  ['Trename', T.rename, (name) => ({ fid: 2, dfid: 0, name })],
  ['Tlink', T.link, (name) => ({ dfid: 0, fid: 2, name })],
  ['Tlookup', T.lookup, (name) => ({ fid: 0, name })],
  ['Tlookup of a symlink as a folder', T.lookup, (name) => ({ fid: 3, name })],
];

test('no name leads out of the share, in any message', async (t) => {
  await inArenas(t, [], async (t, arena) => {
    const c = await arena.begin(VERSION_EXT);
    const root = (await c.walk(0, 8)).errno;
    assert.equal(root, 0);
    for (const [fid, name] of [
      [1, 'dir'],
      [2, 'file'],
      [3, 'to-dir'],
    ] as const)
      assert.equal((await c.walk(0, fid, name)).errno, 0);
    const rootQid = (await c.call(T.getattr, { fid: 0, mask: 0x7ff })).msg.qid;
    const share = hashTree(arena.share);
    for (const [message, type, fields] of MESSAGES)
      await t.test(message, async () => {
        for (const [words, make] of NAMES) {
          const r = await c.call(type, fields(make(arena)));
          const label = `${message} with ${words}`;
          if (type === T.walk && words === '..') {
            // Stays where it is: the root. What follows is looked up there.
            assert.equal(r.errno, 0, label);
            const got = r.msg.qids[0];
            assert.deepEqual([got?.pathLo, got?.pathHi], [rootQid.pathLo, rootQid.pathHi], label);
            assert.equal(r.msg.nwqid, 1, label);
            if (r.msg.nwqid === fields('..').names?.length) await c.call(T.clunk, { fid: 9 });
          } else assert.notEqual(r.errno, 0, `${label} was not refused`);
          // Tlcreate and a good walk would have used the fid up.
          const still = await c.call(T.getattr, { fid: 9, mask: 0x7ff });
          assert.notEqual(still.errno, 0, `${label} left a fid`);
        }
        assert.equal(hashTree(arena.share), share, `${message} changed the share`);
      });
  });
});

test('.. goes up to the root and no further, however often', async (t) => {
  await inArenas(t, [], async (_t, arena) => {
    const c = await arena.begin();
    const root = (await c.call(T.getattr, { fid: 0, mask: 0x7ff })).msg.qid;
    const names = ['dir', ...Array.from({ length: 15 }, () => '..')];
    const r = await c.walk(0, 1, ...names);
    assert.equal(r.msg.nwqid, 16);
    for (let i = 1; i < 16; i++) assert.deepEqual(r.msg.qids[i]?.pathLo, root.pathLo);
    for (let i = 0; i < 50; i++) {
      const up = await c.walk(1, 1, '..');
      assert.deepEqual([up.errno, up.msg.qids[0]?.pathLo], [0, root.pathLo]);
    }
    assert.notEqual((await c.walk(1, 2, 'canary')).errno, 0);
    assert.notEqual((await c.walk(1, 2, 'secret')).errno, 0);
  });
});

test('.. from a folder that was moved out of the share does not lead out', async (t) => {
  await inArenas(t, [], async (_t, arena) => {
    const c = await arena.begin();
    assert.equal((await c.walk(0, 1, 'dir')).errno, 0);
    const { renameSync } = await import('node:fs');
    renameSync(`${arena.share}/dir`, `${arena.base}/empty/dir`);
    const up = await c.walk(1, 2, '..');
    if (up.errno === 0) {
      const root = (await c.call(T.getattr, { fid: 0, mask: 0x7ff })).msg.qid;
      assert.equal(up.msg.qids[0]?.pathLo, root.pathLo);
    }
    for (const name of ['secret', 'canary', 'dir'])
      assert.notEqual((await c.walk(1, 3, '..', name)).msg.nwqid, 2);
    renameSync(`${arena.base}/empty/dir`, `${arena.share}/dir`);
    const { utimesSync } = await import('node:fs');
    utimesSync(`${arena.base}/empty`, 0, 0);
    arena.rebase();
  });
});

test('an attach name is not a way to another folder', async (t) => {
  await inArenas(t, [], async (_t, arena) => {
    const c = await arena.begin();
    const root = (await c.call(T.getattr, { fid: 0, mask: 0x7ff })).msg.qid;
    for (const name2 of [
      '..',
      '../canary',
      `${arena.base}/canary`,
      '/etc',
      'to-dir',
      'dir/..',
      '\0',
      '/',
      'dir',
    ]) {
      const r = await c.call(T.attach, { fid: 20, afid: 0xffffffff, name: 'x', name2, nuname: 0 });
      if (r.errno !== 0) continue;
      assert.equal(r.msg.qid.pathLo, root.pathLo, `attached to ${name2}`);
      await c.call(T.clunk, { fid: 20 });
    }
  });
});
