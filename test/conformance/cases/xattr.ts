// SPDX-License-Identifier: MIT

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import * as fs from 'node:fs';
import { S_IFIFO } from '../../../src/base/stat.ts';
import { O_RDWR } from '../../../src/base/sys.ts';
import { ALICE, BOB, type Case, type Cases, fails } from '../case.ts';
import { pause } from './modes.ts';

const CREATE = 1;
const REPLACE = 2;

const needing =
  (work: Case): Case =>
  (c) => {
    c.need('xattr');
    return work(c);
  };

const plain: Cases = {
  'a value comes back, on files and folders': (c) => {
    for (const path of [c.file('f'), c.folder('d')]) {
      c.k.setxattr(path, 'user.color', 'green');
      assert.equal(c.k.getxattr(path, 'user.color').toString(), 'green');
      c.k.setxattr(path, 'user.color', 'deep blue');
      assert.equal(c.k.getxattr(path, 'user.color').toString(), 'deep blue');
    }
  },
  'an empty value is a value': (c) => {
    const path = c.file('f');
    c.k.setxattr(path, 'user.empty', '');
    assert.equal(c.k.getxattr(path, 'user.empty').length, 0);
    assert.deepEqual(c.k.listxattr(path), ['user.empty']);
    c.k.setxattr(path, 'user.empty', 'x');
    c.k.setxattr(path, 'user.empty', '', REPLACE);
    assert.equal(c.k.getxattr(path, 'user.empty').length, 0);
  },
  'values of 1 to 3,000 bytes, of any bytes': (c) => {
    const path = c.file('f');
    for (const n of [1, 2, 255, 256, 1000, 3000]) {
      const value = Buffer.from(Array.from({ length: n }, (_, i) => (i * 7) & 0xff));
      c.k.setxattr(path, 'user.v', value);
      assert.ok(c.k.getxattr(path, 'user.v').equals(value), `${n} bytes`);
      assert.equal(c.k.xattrSize(path, 'user.v'), n);
    }
  },
  'a value of 64 KiB': (c) => {
    c.need('bigXattr');
    const value = Buffer.alloc(65_536, 0x5a);
    const path = c.file('f');
    c.k.setxattr(path, 'user.big', value);
    assert.ok(c.k.getxattr(path, 'user.big').equals(value));
  },
  'a value larger than the file system holds is refused and changes nothing': (c) => {
    const path = c.file('f');
    c.k.setxattr(path, 'user.v', 'before');
    fails('E2BIG', () => c.k.setxattr(path, 'user.v', Buffer.alloc(65_537)));
    if (c.caps.bigXattr !== true)
      fails(['ENOSPC', 'E2BIG'], () => c.k.setxattr(path, 'user.v', Buffer.alloc(65_536)));
    assert.equal(c.k.getxattr(path, 'user.v').toString(), 'before');
  },
  'a buffer too small gives ERANGE': (c) => {
    const path = c.file('f');
    c.k.setxattr(path, 'user.v', 'twelve bytes');
    fails('ERANGE', () => c.k.getxattr(path, 'user.v', 11));
    assert.equal(c.k.getxattr(path, 'user.v', 12).toString(), 'twelve bytes');
    fails('ERANGE', () => c.k.listxattr(path, 6));
    assert.deepEqual(c.k.listxattr(path, 7), ['user.v']);
  },
  'XATTR_CREATE refuses what is there, XATTR_REPLACE what is not': (c) => {
    const path = c.file('f');
    fails('ENODATA', () => c.k.setxattr(path, 'user.v', 'x', REPLACE));
    c.k.setxattr(path, 'user.v', 'x', CREATE);
    fails('EEXIST', () => c.k.setxattr(path, 'user.v', 'y', CREATE));
    c.k.setxattr(path, 'user.v', 'z', REPLACE);
    assert.equal(c.k.getxattr(path, 'user.v').toString(), 'z');
  },
  'a missing name gives ENODATA, to get and to remove': (c) => {
    const path = c.file('f');
    fails('ENODATA', () => c.k.getxattr(path, 'user.none'));
    fails('ENODATA', () => c.k.xattrSize(path, 'user.none'));
    fails('ENODATA', () => c.k.removexattr(path, 'user.none'));
  },
  'removed is gone, the others stay': (c) => {
    const path = c.file('f');
    for (const n of ['a', 'b', 'c']) c.k.setxattr(path, `user.${n}`, n);
    c.k.removexattr(path, 'user.b');
    fails('ENODATA', () => c.k.getxattr(path, 'user.b'));
    assert.deepEqual(c.k.listxattr(path).sort(), ['user.a', 'user.c']);
  },
  'no attributes, an empty list': (c) => {
    assert.deepEqual(
      c.k.listxattr(c.file('f')).filter((n) => n.startsWith('user.')),
      [],
    );
  },
  '40 attributes are all listed': (c) => {
    const path = c.file('f');
    const made = Array.from({ length: 40 }, (_, i) => `user.name${i}`);
    for (const n of made) c.k.setxattr(path, n, n);
    assert.deepEqual(
      c.k
        .listxattr(path)
        .filter((n) => n.startsWith('user.'))
        .sort(),
      made.sort(),
    );
    for (const n of made) assert.equal(c.k.getxattr(path, n).toString(), n);
  },
  'a name of 255 bytes works, one of 256 gives ERANGE': (c) => {
    const path = c.file('f');
    const name = `user.${'n'.repeat(250)}`;
    c.k.setxattr(path, name, 'x');
    assert.deepEqual(c.k.listxattr(path), [name]);
    fails('ERANGE', () => c.k.setxattr(path, `${name}n`, 'x'));
  },
  'a name without a known namespace is not supported': (c) => {
    const path = c.file('f');
    for (const name of ['color', 'users.color', 'nobody.x'])
      fails('EOPNOTSUPP', () => c.k.setxattr(path, name, 'x'));
  },
  'through a descriptor, also of a file without a name': (c) => {
    const fd = fs.openSync(c.file('f'), O_RDWR);
    c.k.setxattr(fd, 'user.v', 'one');
    fs.unlinkSync(c.at('f'));
    assert.equal(c.k.getxattr(fd, 'user.v').toString(), 'one');
    c.k.setxattr(fd, 'user.v', 'two');
    assert.equal(c.k.getxattr(fd, 'user.v').toString(), 'two');
    assert.deepEqual(c.k.listxattr(fd), ['user.v']);
    c.k.removexattr(fd, 'user.v');
    fs.closeSync(fd);
  },
  'attributes go with the file: rename, hard link, not copy': (c) => {
    const path = c.file('f');
    c.k.setxattr(path, 'user.v', 'x');
    fs.linkSync(path, c.at('g'));
    fs.renameSync(path, c.at('h'));
    for (const n of ['g', 'h']) assert.equal(c.k.getxattr(c.at(n), 'user.v').toString(), 'x');
    c.file('f');
    fails('ENODATA', () => c.k.getxattr(c.at('f'), 'user.v'));
  },
  'a symlink and a fifo have no user attributes': (c) => {
    fs.symlinkSync('x', c.at('l'));
    c.k.mknod(c.at('p'), S_IFIFO | 0o644);
    for (const name of ['l', 'p']) fails('EPERM', () => c.k.setxattr(c.at(name), 'user.v', 'x'));
  },
  'setting moves the ctime and leaves the mtime': (c) => {
    const path = c.file('f');
    const before = fs.statSync(path, { bigint: true });
    pause(12);
    c.k.setxattr(path, 'user.v', 'x');
    const after = fs.statSync(path, { bigint: true });
    assert.ok(after.ctimeNs > before.ctimeNs);
    assert.equal(after.mtimeNs, before.mtimeNs);
  },
  'setting needs the right to write, getting the right to read': (c) => {
    c.need('root');
    const path = c.file('f', '', 0o640);
    fs.chownSync(path, ALICE, ALICE);
    c.as(ALICE, ALICE, [], () => c.k.setxattr(path, 'user.v', 'x'));
    fails('EACCES', () => c.as(BOB, BOB, [], () => c.k.setxattr(path, 'user.v', 'y')));
    fails('EACCES', () => c.as(BOB, BOB, [], () => c.k.getxattr(path, 'user.v')));
    fs.chmodSync(path, 0o644);
    assert.equal(c.as(BOB, BOB, [], () => c.k.getxattr(path, 'user.v')).toString(), 'x');
  },
  'what another process sets is read': (c) => {
    const path = c.file('f');
    fails('ENODATA', () => c.k.getxattr(path, 'user.v'));
    c.python.run("os.setxattr(args[0], 'user.v', b'from there')", path);
    assert.equal(c.k.getxattr(path, 'user.v').toString(), 'from there');
  },
};

const special: Cases = {
  'trusted attributes': (c) => {
    c.need('root', 'trusted');
    const path = c.file('f');
    c.k.setxattr(path, 'trusted.v', 'x');
    assert.equal(c.k.getxattr(path, 'trusted.v').toString(), 'x');
    assert.deepEqual(c.k.listxattr(path), ['trusted.v']);
  },
  'a POSIX ACL gives one more user access, and takes part in the mode': (c) => {
    c.need('root', 'acl');
    const path = c.file('f', 'abc', 0o600);
    fails('EACCES', () => c.as(ALICE, ALICE, [], () => fs.readFileSync(path)));
    assert.equal(spawnSync('setfacl', ['-m', `u:${ALICE}:r`, path]).status, 0);
    assert.equal(
      c.as(ALICE, ALICE, [], () => fs.readFileSync(path, 'utf8')),
      'abc',
    );
    fails('EACCES', () => c.as(BOB, BOB, [], () => fs.readFileSync(path)));
    assert.equal(fs.statSync(path).mode & 0o777, 0o640);
    const acl = spawnSync('getfacl', ['-nc', path], { encoding: 'utf8' }).stdout;
    assert.match(acl, new RegExp(`user:${ALICE}:r--`));
  },
  'a default ACL is inherited': (c) => {
    c.need('acl');
    const dir = c.folder('d');
    assert.equal(spawnSync('setfacl', ['-d', '-m', `u:${ALICE}:rwx`, dir]).status, 0);
    fs.writeFileSync(`${dir}/f`, '');
    fs.mkdirSync(`${dir}/sub`);
    const acl = (path: string): string => spawnSync('getfacl', ['-nc', path], { encoding: 'utf8' }).stdout;
    assert.match(acl(`${dir}/f`), new RegExp(`user:${ALICE}:rwx`));
    assert.match(acl(`${dir}/sub`), new RegExp(`default:user:${ALICE}:rwx`));
  },
};

/** Extended attributes. */
export const xattrCases: Cases = {
  ...Object.fromEntries(Object.entries(plain).map(([name, work]) => [name, needing(work)])),
  ...special,
};
