// SPDX-License-Identifier: MIT

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import * as fs from 'node:fs';
import { S_IFSOCK } from '../../../src/base/stat.ts';
import { O_RDONLY } from '../../../src/base/sys.ts';
import { ALICE, BOB, type Case, type Cases, type Ctx, fails, TEAM } from '../case.ts';

const CREATE = 1;
const REPLACE = 2;

const users = (names: readonly string[]): string[] => names.filter((n) => n.startsWith('user.')).sort();

const sizes = (name: string, ns: readonly number[]): readonly [string, Case] => [
  name,
  (c) => {
    c.need('xattr', ...(Math.max(...ns) > 3000 ? (['bigXattr'] as const) : []));
    const path = c.file('f');
    for (const n of ns) {
      const value = Buffer.from(Array.from({ length: n }, (_, i) => (i * 31 + n) & 0xff));
      c.k.setxattr(path, 'user.v', value);
      assert.equal(c.k.xattrSize(path, 'user.v'), n);
      assert.ok(c.k.getxattr(path, 'user.v').equals(value), `${n} bytes`);
      if (n > 1) fails('ERANGE', () => c.k.getxattr(path, 'user.v', n - 1));
    }
    assert.deepEqual(users(c.k.listxattr(path)), ['user.v']);
  },
];

const attributes: Cases = {
  ...Object.fromEntries([
    sizes(
      'values around one byte and one page of names: 0 to 300 bytes',
      [0, 1, 2, 31, 32, 254, 255, 256, 300],
    ),
    sizes('values around 4 KiB', [4000, 4095, 4096, 4097]),
    sizes('values around 8, 16 and 32 KiB', [8191, 8192, 8193, 16_384, 32_767, 32_768, 32_769]),
    sizes('values up to 64 KiB', [65_000, 65_535, 65_536]),
  ]),
  'a value of 65,537 bytes gives E2BIG, and what was there stays': (c) => {
    c.need('xattr');
    const path = c.file('f');
    c.k.setxattr(path, 'user.v', 'before');
    for (const flags of [0, REPLACE])
      fails('E2BIG', () => c.k.setxattr(path, 'user.v', Buffer.alloc(65_537), flags));
    assert.equal(c.k.getxattr(path, 'user.v').toString(), 'before');
  },
  'ten values of 64 KiB side by side': (c) => {
    c.need('bigXattr');
    const path = c.file('f');
    for (let i = 0; i < 10; i++) c.k.setxattr(path, `user.v${i}`, Buffer.alloc(65_536, i));
    for (let i = 0; i < 10; i++) assert.ok(c.k.getxattr(path, `user.v${i}`).equals(Buffer.alloc(65_536, i)));
    for (let i = 0; i < 10; i += 2) c.k.removexattr(path, `user.v${i}`);
    assert.equal(users(c.k.listxattr(path)).length, 5);
  },
  'names until the file system is full: each that was taken is listed, the one refused is not': (c) => {
    c.need('xattr');
    const path = c.file('f');
    const made: string[] = [];
    let refused: unknown;
    for (let i = 0; i < 400 && refused === undefined; i++) {
      const name = `user.${String(i).padStart(3, '0')}${'n'.repeat(240)}`;
      try {
        c.k.setxattr(path, name, 'x');
        made.push(name);
      } catch (error) {
        refused = (error as { code?: string }).code;
      }
    }
    assert.ok(['ENOSPC', 'E2BIG', undefined].includes(refused as string), String(refused));
    // listxattr(2) gives at most 64 KiB of names (XATTR_LIST_MAX) and E2BIG where there are more.
    if (made.length * 249 > 65_536) fails('E2BIG', () => c.k.listxattr(path));
    else assert.deepEqual(users(c.k.listxattr(path)), made);
    for (const name of made.slice(0, -1)) c.k.removexattr(path, name);
    assert.deepEqual(users(c.k.listxattr(path)), made.slice(-1));
  },
  'a list asked for with no room tells its size': (c) => {
    c.need('xattr');
    const path = c.file('f');
    for (const name of ['user.a', 'user.bb', 'user.ccc']) c.k.setxattr(path, name, 'x');
    const out = c.python.run(
      `import ctypes; libc = ctypes.CDLL(None, use_errno=True)
say(libc.listxattr(args[0].encode(), None, 0)); b = ctypes.create_string_buffer(100); say(libc.listxattr(args[0].encode(), b, 23), ctypes.get_errno() == errno.ERANGE)
say(libc.listxattr(args[0].encode(), b, 24), b.raw[:24].count(b'\\0'))`,
      path,
    );
    assert.equal(out, '24\n-1 True\n24 3');
  },
  'names are bytes: no UTF-8, spaces, dots, upper and lower case': (c) => {
    c.need('xattr');
    const path = c.file('f');
    const names = [
      'user.A',
      'user.a',
      'user.a b',
      'user..',
      'user.x.y',
      'user.é',
      "user.'",
      'user.=',
      'user.\n',
    ];
    for (const name of names) c.k.setxattr(path, name, name);
    const listed = users(c.k.listxattr(path)).map((n) => Buffer.from(n, 'latin1').toString());
    assert.deepEqual(listed.sort(), [...names].sort());
    for (const name of names) assert.equal(c.k.getxattr(path, name).toString(), name);
    const out = c.python.run(
      `p = args[0].encode(); os.setxattr(p, b'user.\\xff\\xfe', b'raw'); say(os.getxattr(p, b'user.\\xff\\xfe').decode(), 'user.\\udcff\\udcfe' in os.listxattr(p))`,
      path,
    );
    assert.equal(out, 'raw True');
  },
  'the empty name and a namespace alone are refused': (c) => {
    c.need('xattr');
    const path = c.file('f');
    fails(['ERANGE'], () => c.k.setxattr(path, '', 'x'));
    fails(['EINVAL', 'EOPNOTSUPP'], () => c.k.setxattr(path, 'user.', 'x'));
    fails(['EINVAL', 'EOPNOTSUPP', 'ENODATA'], () => c.k.getxattr(path, 'user.'));
  },
  'both flags at once, and flags that do not exist': (c) => {
    c.need('xattr');
    const path = c.file('f');
    fails('EINVAL', () => c.k.setxattr(path, 'user.v', 'x', 8));
    fails(['ENODATA', 'EEXIST', 'EINVAL'], () => c.k.setxattr(path, 'user.v', 'x', CREATE | REPLACE));
    assert.deepEqual(users(c.k.listxattr(path)), []);
  },
  'a socket, a symlink and a fifo have no user attributes to read either': (c) => {
    c.need('xattr');
    fs.symlinkSync('x', c.at('l'));
    c.k.mknod(c.at('s'), S_IFSOCK | 0o644);
    for (const name of ['l', 's']) {
      fails(['EPERM', 'ENODATA', 'EOPNOTSUPP'], () => c.k.getxattr(c.at(name), 'user.v'));
      assert.deepEqual(users(c.k.listxattr(c.at(name))), []);
    }
  },
  'attributes of a folder stay while files come and go, and go with it': (c) => {
    c.need('xattr');
    const dir = c.folder('d');
    c.k.setxattr(dir, 'user.v', 'x');
    for (let i = 0; i < 20; i++) c.file(`d/f${i}`);
    for (let i = 0; i < 20; i++) fs.unlinkSync(`${dir}/f${i}`);
    fs.renameSync(dir, c.at('e'));
    assert.equal(c.k.getxattr(c.at('e'), 'user.v').toString(), 'x');
    fs.rmdirSync(c.at('e'));
    c.folder('e');
    assert.deepEqual(users(c.k.listxattr(c.at('e'))), []);
  },
  'cp --preserve=xattr and setfattr/getfattr carry them': (c) => {
    c.need('xattr');
    const path = c.file('f', 'abc');
    c.k.setxattr(path, 'user.v', 'value');
    c.k.setxattr(path, 'user.empty', '');
    const done = spawnSync('cp', ['--preserve=xattr', path, c.at('g')], { encoding: 'utf8' });
    assert.deepEqual([done.status, done.stderr], [0, '']);
    assert.deepEqual(users(c.k.listxattr(c.at('g'))), ['user.empty', 'user.v']);
    assert.equal(c.k.getxattr(c.at('g'), 'user.v').toString(), 'value');
  },
  'trusted and security attributes are not a plain user’s to set': (c) => {
    c.need('xattr');
    const path = c.file('f', '', 0o666);
    // A process of its own: these namespaces ask for CAP_SYS_ADMIN, which `as` does not take away.
    const out = c.python.run(
      `if os.geteuid() == 0: os.setgroups([]); os.setgid(${BOB}); os.setuid(${BOB})
p = args[0]; say(tried(lambda: os.setxattr(p, 'trusted.v', b'x')), tried(lambda: os.setxattr(p, 'security.v', b'x')), tried(lambda: os.getxattr(p, 'trusted.v')))`,
      path,
    );
    assert.match(out, /^(EPERM|E(OP)?NOTSUPP?) (EPERM|E(OP)?NOTSUPP?) (ENODATA|E(OP)?NOTSUPP?|EPERM)$/);
  },
  'a descriptor for reading sets an attribute where the mode allows it': (c) => {
    c.need('xattr');
    const fd = fs.openSync(c.file('f'), O_RDONLY);
    c.k.setxattr(fd, 'user.v', 'x');
    assert.equal(c.k.getxattr(fd, 'user.v').toString(), 'x');
    fs.closeSync(fd);
  },
  'many changes of one value: the last one counts': (c) => {
    c.need('xattr');
    const path = c.file('f');
    for (let i = 0; i < 200; i++) c.k.setxattr(path, 'user.v', `${i}`.repeat(1 + (i % 50)));
    assert.equal(c.k.getxattr(path, 'user.v').toString(), '199'.repeat(50));
  },
};

const set = (...args: string[]): void => {
  const done = spawnSync('setfacl', args, { encoding: 'utf8' });
  assert.equal(done.status, 0, done.stderr);
};
const get = (path: string): string =>
  spawnSync('getfacl', ['-ncE', '--absolute-names', path], { encoding: 'utf8' }).stdout.trim();
const reads = (c: Ctx, uid: number, gid: number, path: string, groups: readonly number[] = []): void =>
  void c.as(uid, gid, groups, () => fs.readFileSync(path));

/** POSIX ACLs: acl(5). */
const acls: Cases = {
  'a file without an ACL shows its mode as one': (c) =>
    assert.equal(get(c.file('f', '', 0o640)), 'user::rw-\ngroup::r--\nother::---'),
  'the mask bounds what a named user gets': (c) => {
    const path = c.file('f', 'abc', 0o600);
    set('-m', `u:${ALICE}:rw,m::-`, path);
    fails('EACCES', () => reads(c, ALICE, ALICE, path));
    set('-m', 'm::r', path);
    reads(c, ALICE, ALICE, path);
    fails('EACCES', () => c.as(ALICE, ALICE, [], () => fs.openSync(path, 'r+')));
  },
  'chmod of the group bits changes the mask': (c) => {
    const path = c.file('f', 'abc', 0o600);
    set('-m', `u:${ALICE}:rw`, path);
    assert.equal(fs.statSync(path).mode & 0o777, 0o660);
    fs.chmodSync(path, 0o600);
    fails('EACCES', () => reads(c, ALICE, ALICE, path));
    assert.match(get(path), /mask::---/);
    fs.chmodSync(path, 0o640);
    reads(c, ALICE, ALICE, path);
  },
  'a named group gives its members access, and a named user comes before it': (c) => {
    const path = c.file('f', 'abc', 0o600);
    set('-m', `g:${TEAM}:r`, path);
    reads(c, BOB, TEAM, path);
    set('-m', `u:${BOB}:-`, path);
    fails('EACCES', () => reads(c, BOB, TEAM, path));
  },
  'a named user without rights is kept out though others may': (c) => {
    const path = c.file('f', 'abc', 0o644);
    set('-m', `u:${ALICE}:-`, path);
    fails('EACCES', () => reads(c, ALICE, ALICE, path));
    reads(c, BOB, BOB, path);
  },
  'removing the ACL leaves the mode to judge': (c) => {
    const path = c.file('f', 'abc', 0o600);
    set('-m', `u:${ALICE}:r`, path);
    reads(c, ALICE, ALICE, path);
    set('-b', path);
    fails('EACCES', () => reads(c, ALICE, ALICE, path));
    assert.equal(get(path), 'user::rw-\ngroup::---\nother::---');
  },
  'with a default ACL the umask does not count': (c) => {
    const dir = c.folder('d');
    set('-d', '-m', 'u::rwx,g::rwx,o::-', dir);
    const before = process.umask(0o077);
    c.after(() => process.umask(before));
    fs.closeSync(fs.openSync(`${dir}/f`, 'w', 0o666));
    fs.mkdirSync(`${dir}/s`, 0o777);
    assert.deepEqual(
      [fs.statSync(`${dir}/f`).mode & 0o777, fs.statSync(`${dir}/s`).mode & 0o777],
      [0o660, 0o770],
    );
  },
  'only the owner sets an ACL, and a file has no default one': (c) => {
    const path = c.file('f', '', 0o666);
    const run = (uid: number): string =>
      spawnSync(
        'setpriv',
        [`--reuid=${uid}`, `--regid=${uid}`, '--clear-groups', 'setfacl', '-m', `u:${ALICE}:r`, path],
        {
          encoding: 'utf8',
        },
      ).stderr;
    assert.match(run(BOB), /Operation not permitted/);
    const done = spawnSync('setfacl', ['-d', '-m', `u:${ALICE}:r`, path], { encoding: 'utf8' });
    assert.notEqual(done.status, 0);
  },
};

/** Sizes, lists and namespaces of extended attributes; ACLs where the target has them. */
export const attributeCases: Cases = {
  ...attributes,
  ...Object.fromEntries(
    Object.entries(acls).map(([name, work]): [string, Case] => [
      name,
      (c) => {
        c.need('root', 'acl');
        return work(c);
      },
    ]),
  ),
};
