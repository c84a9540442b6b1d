// SPDX-License-Identifier: MIT

import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import { S_IFIFO, S_ISVTX } from '../../../src/base/stat.ts';
import { AT_REMOVEDIR, O_CREAT, O_RDONLY, O_RDWR, O_WRONLY } from '../../../src/base/sys.ts';
import { ALICE, BOB, type Case, type Cases, type Ctx, fails, TEAM } from '../case.ts';

const alice = <T>(c: Ctx, fn: () => T, groups: readonly number[] = []): T => c.as(ALICE, ALICE, groups, fn);
const bob = <T>(c: Ctx, fn: () => T, groups: readonly number[] = []): T => c.as(BOB, BOB, groups, fn);
const mode = (path: string): number => fs.lstatSync(path).mode & 0o7777;

/** A file of Alice and the team. */
function hers(c: Ctx, bits: number, name = 'f'): string {
  const path = c.file(name, 'abc');
  fs.chownSync(path, ALICE, TEAM);
  fs.chmodSync(path, bits);
  return path;
}

/** A sticky folder of mode 1777 that belongs to `owner`. */
function sticky(c: Ctx, owner: number): string {
  c.need('suid');
  const dir = c.folder('sticky');
  fs.chownSync(dir, owner, owner);
  fs.chmodSync(dir, 0o1777);
  return dir;
}

const plain: Cases = {
  'chmod is the owner’s alone: not the group’s, not others’': (c) => {
    const path = hers(c, 0o666);
    alice(c, () => fs.chmodSync(path, 0o660));
    assert.equal(mode(path), 0o660);
    fails('EPERM', () => bob(c, () => fs.chmodSync(path, 0o777), [TEAM]));
    fails('EPERM', () => bob(c, () => fs.chmodSync(path, 0o777)));
    assert.equal(mode(path), 0o660);
  },
  'chmod needs no permission on the file itself': (c) => {
    const path = hers(c, 0);
    alice(c, () => fs.chmodSync(path, 0o400));
    assert.equal(mode(path), 0o400);
  },
  'fchmod through a descriptor of another user is refused': (c) => {
    const path = hers(c, 0o666);
    const fd = bob(c, () => fs.openSync(path, O_RDWR));
    fails('EPERM', () => bob(c, () => fs.fchmodSync(fd, 0o777)));
    alice(c, () => fs.fchmodSync(fd, 0o600));
    fs.closeSync(fd);
    assert.equal(mode(path), 0o600);
  },
  'a plain user’s chown to another group of theirs clears setuid and setgid': (c) => {
    c.need('suid');
    const path = c.file('f');
    fs.chownSync(path, ALICE, ALICE);
    fs.chmodSync(path, 0o6755);
    alice(c, () => fs.chownSync(path, -1, ALICE));
    assert.equal(mode(path), 0o755);
  },
  'chown by root of a file without group execution leaves setgid': (c) => {
    c.need('suid');
    const path = c.file('f');
    fs.chmodSync(path, 0o6745);
    fs.chownSync(path, ALICE, ALICE);
    // Setgid without group execution once meant mandatory locking, and stays (setattr_should_drop_sgid, fs/attr.c).
    assert.equal(mode(path), 0o2745);
  },
  'a plain user sets the sticky bit on a file and a folder of theirs': (c) => {
    c.need('suid');
    const [f, d] = [c.file('f'), c.folder('d')];
    for (const path of [f, d]) {
      fs.chownSync(path, ALICE, ALICE);
      alice(c, () => fs.chmodSync(path, 0o1755));
      assert.equal(mode(path), S_ISVTX | 0o755);
    }
  },
  'a plain user sets setuid on a file of theirs, and a write by root leaves it': (c) => {
    c.need('suid');
    const path = c.file('f');
    fs.chownSync(path, ALICE, ALICE);
    alice(c, () => fs.chmodSync(path, 0o4755));
    fs.appendFileSync(path, 'x');
    assert.equal(mode(path), 0o4755);
  },
  'an append and a write at an offset by a plain user clear setuid': (c) => {
    c.need('suid');
    for (const flags of [O_WRONLY | 0o2000, O_WRONLY]) {
      const path = hers(c, 0o4777, `f${flags}`);
      const fd = bob(c, () => fs.openSync(path, flags));
      bob(c, () => fs.writeSync(fd, 'x'));
      fs.closeSync(fd);
      assert.equal(mode(path), 0o777);
    }
  },
  'O_TRUNC by a plain user clears setuid': (c) => {
    c.need('suid');
    const path = hers(c, 0o4777);
    fs.closeSync(bob(c, () => fs.openSync(path, O_WRONLY | 0o1000)));
    assert.equal(mode(path), 0o777);
  },
  'a setuid program runs as its owner where the mount lets it, and the bit survives a rename': (c) => {
    c.need('suid');
    const path = hers(c, 0o4755);
    fs.renameSync(path, c.at('g'));
    fs.linkSync(c.at('g'), c.at('h'));
    assert.deepEqual([mode(c.at('g')), mode(c.at('h'))], [0o4755, 0o4755]);
  },
  'in a sticky folder of theirs a user removes the files of others': (c) => {
    const dir = sticky(c, ALICE);
    bob(c, () => fs.writeFileSync(`${dir}/f`, ''));
    alice(c, () => fs.unlinkSync(`${dir}/f`));
    bob(c, () => fs.mkdirSync(`${dir}/d`));
    alice(c, () => c.k.unlink(`${dir}/d`, AT_REMOVEDIR));
  },
  'in a sticky folder of another: not the file, the folder, the symlink or the fifo of a third': (c) => {
    const dir = sticky(c, 0);
    alice(c, () => {
      fs.writeFileSync(`${dir}/f`, '');
      fs.mkdirSync(`${dir}/d`);
      fs.symlinkSync('x', `${dir}/l`);
      c.k.mknod(`${dir}/p`, S_IFIFO | 0o666);
    });
    for (const name of ['f', 'l', 'p'])
      fails(['EPERM', 'EACCES'], () => bob(c, () => fs.unlinkSync(`${dir}/${name}`)));
    fails(['EPERM', 'EACCES'], () => bob(c, () => c.k.unlink(`${dir}/d`, AT_REMOVEDIR)));
    assert.equal(fs.readdirSync(dir).length, 4);
    for (const name of ['f', 'l', 'p']) alice(c, () => fs.unlinkSync(`${dir}/${name}`));
  },
  'in a sticky folder a rename does not replace the file of another': (c) => {
    const dir = sticky(c, 0);
    alice(c, () => fs.writeFileSync(`${dir}/hers`, 'hers'));
    bob(c, () => fs.writeFileSync(`${dir}/his`, 'his'));
    fails(['EPERM', 'EACCES'], () => bob(c, () => fs.renameSync(`${dir}/his`, `${dir}/hers`)));
    assert.equal(fs.readFileSync(`${dir}/hers`, 'utf8'), 'hers');
    bob(c, () => fs.renameSync(`${dir}/his`, `${dir}/other`));
  },
  'a setgid folder: a file made by a plain user outside its group loses setgid': (c) => {
    c.need('suid');
    const dir = c.folder('d');
    fs.chownSync(dir, ALICE, TEAM);
    fs.chmodSync(dir, 0o2777);
    bob(c, () => fs.closeSync(fs.openSync(`${dir}/f`, O_WRONLY | O_CREAT, 0o2755)));
    const s = fs.statSync(`${dir}/f`);
    assert.deepEqual([s.gid, s.mode & 0o7777], [TEAM, 0o755]);
  },
  'a folder made in a setgid folder hands the group on': (c) => {
    c.need('suid');
    const dir = c.folder('d');
    fs.chownSync(dir, ALICE, TEAM);
    fs.chmodSync(dir, 0o2777);
    bob(c, () => {
      fs.mkdirSync(`${dir}/a`);
      fs.mkdirSync(`${dir}/a/b`);
      fs.symlinkSync('x', `${dir}/a/b/l`);
      c.k.mknod(`${dir}/a/b/p`, S_IFIFO | 0o644);
    });
    for (const p of ['a', 'a/b', 'a/b/l', 'a/b/p']) assert.equal(fs.lstatSync(`${dir}/${p}`).gid, TEAM, p);
  },
  'the umask of a plain user counts': (c) => {
    fs.chmodSync(c.dir, 0o777);
    const before = process.umask(0o077);
    c.after(() => process.umask(before));
    alice(c, () => {
      fs.closeSync(fs.openSync(c.at('f'), O_WRONLY | O_CREAT, 0o666));
      fs.mkdirSync(c.at('d'), 0o777);
    });
    assert.deepEqual([mode(c.at('f')), mode(c.at('d'))], [0o600, 0o700]);
  },
  'utimens with times is the owner’s alone, even of a file of mode 0666': (c) => {
    const path = hers(c, 0o666);
    const t = { sec: 5, nsec: 0 };
    alice(c, () => c.k.utimens(path, t, t));
    fails('EPERM', () => bob(c, () => c.k.utimens(path, t, t), [TEAM]));
  },
  'link(2) needs the right to write to the folder of the new name': (c) => {
    const path = hers(c, 0o666);
    const dir = c.folder('d', 0o755);
    fails('EACCES', () => alice(c, () => fs.linkSync(path, `${dir}/g`)));
    fs.chmodSync(dir, 0o777);
    alice(c, () => fs.linkSync(path, `${dir}/g`));
    assert.equal(fs.statSync(path).nlink, 2);
  },
  'rename needs the right to write to both folders': (c) => {
    const [from, to] = [c.folder('from', 0o777), c.folder('to', 0o755)];
    alice(c, () => fs.writeFileSync(`${from}/f`, ''));
    fails('EACCES', () => alice(c, () => fs.renameSync(`${from}/f`, `${to}/f`)));
    fs.chmodSync(to, 0o777);
    fs.chmodSync(from, 0o755);
    fails('EACCES', () => alice(c, () => fs.renameSync(`${from}/f`, `${to}/f`)));
    fs.chmodSync(from, 0o777);
    alice(c, () => fs.renameSync(`${from}/f`, `${to}/f`));
  },
  'moving a folder of another to a new parent needs the right to write to it': (c) => {
    const [from, to] = [c.folder('from', 0o777), c.folder('to', 0o777)];
    fs.mkdirSync(`${from}/d`);
    // Its “..” changes: EACCES of vfs_rename (fs/namei.c).
    fails('EACCES', () => alice(c, () => fs.renameSync(`${from}/d`, `${to}/d`)));
    alice(c, () => fs.renameSync(`${from}/d`, `${from}/e`));
  },
  'a file of mode 0200 is written by its owner and not read, one of 0400 the other way round': (c) => {
    const [w, r] = [hers(c, 0o200, 'w'), hers(c, 0o400, 'r')];
    alice(c, () => {
      fs.closeSync(fs.openSync(w, O_WRONLY));
      fails('EACCES', () => fs.openSync(w, O_RDONLY));
      fs.closeSync(fs.openSync(r, O_RDONLY));
      fails('EACCES', () => fs.openSync(r, O_WRONLY));
      fails('EACCES', () => fs.openSync(w, O_RDWR));
    });
  },
  'a user in the group makes files that others of the group change': (c) => {
    const dir = c.folder('d');
    fs.chownSync(dir, ALICE, TEAM);
    fs.chmodSync(dir, 0o770);
    c.as(ALICE, TEAM, [], () => fs.writeFileSync(`${dir}/f`, 'abc', { mode: 0o660 }));
    fs.chmodSync(`${dir}/f`, 0o660);
    c.as(BOB, TEAM, [], () => fs.appendFileSync(`${dir}/f`, 'def'));
    fails('EACCES', () => bob(c, () => fs.readFileSync(`${dir}/f`)));
    assert.equal(fs.readFileSync(`${dir}/f`, 'utf8'), 'abcdef');
  },
};

const needing =
  (work: Case): Case =>
  (c) => {
    c.need('root');
    return work(c);
  };

/** Two plain users in one folder: whose rights count, set-id and sticky bits. */
export const twoUserCases: Cases = Object.fromEntries(
  Object.entries(plain).map(([name, work]) => [name, needing(work)]),
);
