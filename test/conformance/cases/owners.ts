// SPDX-License-Identifier: MIT

import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import { O_RDONLY } from '../../../src/base/sys.ts';
import { ALICE, BOB, type Cases, fails, TEAM } from '../case.ts';
import { pause } from './modes.ts';

const owner = (path: string): number[] => {
  const s = fs.lstatSync(path);
  return [s.uid, s.gid];
};

/** chown(2). */
export const ownerCases: Cases = {
  'root sets both, and -1 leaves one': (c) => {
    c.need('root');
    for (const path of [c.file('f'), c.folder('d')]) {
      fs.chownSync(path, ALICE, TEAM);
      assert.deepEqual(owner(path), [ALICE, TEAM]);
      fs.chownSync(path, BOB, -1);
      assert.deepEqual(owner(path), [BOB, TEAM]);
      fs.chownSync(path, -1, BOB);
      assert.deepEqual(owner(path), [BOB, BOB]);
    }
  },
  'large ids are kept': (c) => {
    c.need('root');
    const path = c.file('f');
    fs.chownSync(path, 0xfffffffd, 0x80000001);
    assert.deepEqual(owner(path), [0xfffffffd, 0x80000001]);
  },
  'lchown changes the symlink, chown what it names': (c) => {
    c.need('root', 'symfollow');
    const path = c.file('f');
    fs.symlinkSync('f', c.at('l'));
    fs.lchownSync(c.at('l'), ALICE, ALICE);
    assert.deepEqual(
      [owner(c.at('l')), owner(path)],
      [
        [ALICE, ALICE],
        [0, 0],
      ],
    );
    fs.chownSync(c.at('l'), BOB, BOB);
    assert.deepEqual(
      [owner(c.at('l')), owner(path)],
      [
        [ALICE, ALICE],
        [BOB, BOB],
      ],
    );
  },
  'lchown of a dangling symlink': (c) => {
    c.need('root');
    fs.symlinkSync('nowhere', c.at('l'));
    fs.lchownSync(c.at('l'), ALICE, TEAM);
    assert.deepEqual(owner(c.at('l')), [ALICE, TEAM]);
  },
  'fchown works, also on a file without a name': (c) => {
    c.need('root');
    const path = c.file('f');
    const fd = fs.openSync(path, O_RDONLY);
    fs.unlinkSync(path);
    fs.fchownSync(fd, ALICE, TEAM);
    const s = fs.fstatSync(fd);
    assert.deepEqual([s.uid, s.gid], [ALICE, TEAM]);
    fs.closeSync(fd);
  },
  'chown clears setuid and setgid of a program': (c) => {
    c.need('root', 'suid');
    const path = c.file('f');
    fs.chmodSync(path, 0o6755);
    fs.chownSync(path, ALICE, ALICE);
    assert.equal(fs.statSync(path).mode & 0o7777, 0o755);
  },
  'chown keeps setgid of a folder': (c) => {
    c.need('root', 'suid');
    const dir = c.folder('d');
    fs.chmodSync(dir, 0o2755);
    fs.chownSync(dir, ALICE, ALICE);
    assert.equal(fs.statSync(dir).mode & 0o7777, 0o2755);
  },
  'an owner gives the file to a group of theirs, and to no other': (c) => {
    c.need('root');
    const path = c.file('f');
    fs.chownSync(path, ALICE, ALICE);
    c.as(ALICE, ALICE, [TEAM], () => fs.chownSync(path, -1, TEAM));
    assert.deepEqual(owner(path), [ALICE, TEAM]);
    fails('EPERM', () => c.as(ALICE, ALICE, [], () => fs.chownSync(path, -1, BOB)));
  },
  'an owner cannot give the file away': (c) => {
    c.need('root');
    const path = c.file('f');
    fs.chownSync(path, ALICE, ALICE);
    fails('EPERM', () => c.as(ALICE, ALICE, [], () => fs.chownSync(path, BOB, -1)));
  },
  'nobody else may change owner or group': (c) => {
    c.need('root');
    const path = c.file('f', '', 0o666);
    fs.chownSync(path, ALICE, TEAM);
    fails('EPERM', () => c.as(BOB, BOB, [TEAM], () => fs.chownSync(path, -1, TEAM)));
    fails('EPERM', () => c.as(BOB, BOB, [TEAM], () => fs.chmodSync(path, 0o600)));
  },
  'chown to the present owner is allowed to the owner': (c) => {
    const path = c.file('f');
    const [uid, gid] = owner(path) as [number, number];
    fs.chownSync(path, uid, gid);
    fs.chownSync(path, -1, -1);
    assert.deepEqual(owner(path), [uid, gid]);
  },
  'chown moves the ctime and leaves the mtime': (c) => {
    const path = c.file('f');
    c.k.utimens(path, { sec: 5, nsec: 6 }, { sec: 7, nsec: 8 });
    const before = fs.statSync(path, { bigint: true });
    pause(12);
    fs.chownSync(path, fs.statSync(path).uid, -1);
    const after = fs.statSync(path, { bigint: true });
    assert.equal(after.mtimeNs, 7_000_000_008n);
    assert.ok(after.ctimeNs > before.ctimeNs);
  },
  'a plain user may not give a file of theirs to root': (c) => {
    if (c.caps.root === true) return;
    fails('EPERM', () => fs.chownSync(c.file('f'), 0, -1));
  },
};
