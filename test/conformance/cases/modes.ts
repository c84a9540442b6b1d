// SPDX-License-Identifier: MIT

import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import { S_IFIFO, S_ISGID, S_ISUID } from '../../../src/base/stat.ts';
import { O_RDWR, O_WRONLY } from '../../../src/base/sys.ts';
import { ALICE, BOB, type Cases, fails, TEAM } from '../case.ts';

const mode = (path: string): number => fs.lstatSync(path).mode & 0o7777;

/** chmod(2) and the umask. Who may do what stands in access.ts. */
export const modeCases: Cases = {
  'the umask takes bits from new files, folders and fifos': (c) => {
    const before = process.umask(0o027);
    c.after(() => process.umask(before));
    fs.closeSync(fs.openSync(c.at('f'), 'w', 0o666));
    fs.mkdirSync(c.at('d'), 0o777);
    c.k.mknod(c.at('p'), S_IFIFO | 0o666);
    assert.deepEqual([mode(c.at('f')), mode(c.at('d')), mode(c.at('p'))], [0o640, 0o750, 0o640]);
  },
  'the umask of 0 takes none, 0777 takes all': (c) => {
    const before = process.umask(0);
    c.after(() => process.umask(before));
    fs.closeSync(fs.openSync(c.at('a'), 'w', 0o666));
    fs.mkdirSync(c.at('b'), 0o777);
    process.umask(0o777);
    fs.closeSync(fs.openSync(c.at('c'), 'w', 0o666));
    assert.deepEqual([mode(c.at('a')), mode(c.at('b')), mode(c.at('c'))], [0o666, 0o777, 0]);
  },
  'chmod sets each of the nine permission bits, on files and folders': (c) => {
    const [f, d] = [c.file('f'), c.folder('d')];
    for (let bit = 1; bit <= 0o400; bit <<= 1)
      for (const path of [f, d]) {
        fs.chmodSync(path, bit);
        assert.equal(mode(path), bit);
      }
    fs.chmodSync(d, 0o755);
  },
  'chmod sets the setuid, setgid and sticky bits': (c) => {
    c.need('suid');
    const [f, d] = [c.file('f'), c.folder('d')];
    for (const m of [0o4755, 0o2755, 0o1755, 0o7777])
      for (const path of [f, d]) {
        fs.chmodSync(path, m);
        assert.equal(mode(path), m);
      }
  },
  'chmod follows a symlink': (c) => {
    c.need('symfollow');
    const path = c.file('f', '', 0o644);
    fs.symlinkSync('f', c.at('l'));
    fs.chmodSync(c.at('l'), 0o600);
    assert.equal(mode(path), 0o600);
  },
  'the mode of a symlink is 0777': (c) => {
    fs.symlinkSync('x', c.at('l'));
    assert.equal(mode(c.at('l')), 0o777);
  },
  'fchmod works, also on a file without a name': (c) => {
    const path = c.file('f', '', 0o644);
    const fd = fs.openSync(path, O_RDWR);
    fs.fchmodSync(fd, 0o600);
    assert.equal(mode(path), 0o600);
    fs.unlinkSync(path);
    fs.fchmodSync(fd, 0o640);
    assert.equal(fs.fstatSync(fd).mode & 0o7777, 0o640);
    fs.closeSync(fd);
  },
  'chmod moves the ctime and leaves the mtime': (c) => {
    const path = c.file('f');
    c.k.utimens(path, { sec: 5, nsec: 6 }, { sec: 7, nsec: 8 });
    const before = fs.statSync(path, { bigint: true });
    pause(12);
    fs.chmodSync(path, 0o600);
    const after = fs.statSync(path, { bigint: true });
    assert.equal(after.mtimeNs, 7_000_000_008n);
    assert.ok(after.ctimeNs > before.ctimeNs);
  },
  'taking all permissions away from an open file leaves its descriptor working': (c) => {
    const path = c.file('f', 'abc');
    const fd = fs.openSync(path, O_RDWR);
    fs.chmodSync(path, 0);
    fs.writeSync(fd, 'X', 0);
    assert.equal(c.k.pread(fd, 3, 0).toString(), 'Xbc');
    fs.closeSync(fd);
  },
  'a setgid folder gives its group to what is made in it, and the bit to folders': (c) => {
    c.need('root', 'suid');
    const dir = c.folder('d');
    fs.chownSync(dir, ALICE, TEAM);
    fs.chmodSync(dir, 0o2777);
    c.as(BOB, BOB, [], () => {
      fs.writeFileSync(c.at('d', 'f'), '');
      fs.mkdirSync(c.at('d', 'sub'), 0o755);
    });
    assert.equal(fs.statSync(c.at('d', 'f')).gid, TEAM);
    const sub = fs.statSync(c.at('d', 'sub'));
    assert.deepEqual([sub.gid, sub.mode & 0o7777], [TEAM, 0o2755]);
  },
  'chmod by a user outside the group drops setgid': (c) => {
    c.need('root', 'suid');
    const path = c.file('f');
    fs.chownSync(path, ALICE, TEAM);
    c.as(ALICE, ALICE, [], () => fs.chmodSync(path, 0o2755));
    assert.equal(mode(path), 0o755);
    c.as(ALICE, ALICE, [TEAM], () => fs.chmodSync(path, 0o2755));
    assert.equal(mode(path), 0o2755);
  },
  'a write by a plain user clears setuid and setgid': (c) => {
    c.need('root', 'suid');
    const path = c.file('f', 'abc');
    fs.chownSync(path, ALICE, ALICE);
    fs.chmodSync(path, 0o6777);
    const fd = c.as(BOB, BOB, [], () => fs.openSync(path, O_WRONLY));
    c.as(BOB, BOB, [], () => fs.writeSync(fd, 'X'));
    fs.closeSync(fd);
    assert.equal(mode(path), 0o777);
  },
  'a truncation by a plain user clears setuid and setgid': (c) => {
    c.need('root', 'suid');
    const path = c.file('f', 'abc');
    fs.chownSync(path, ALICE, ALICE);
    fs.chmodSync(path, 0o6777);
    c.as(BOB, BOB, [], () => fs.truncateSync(path, 1));
    assert.equal(mode(path), 0o777);
  },
  'a write leaves setgid where the group may not execute': (c) => {
    c.need('root', 'suid');
    const path = c.file('f', 'abc');
    fs.chownSync(path, ALICE, ALICE);
    fs.chmodSync(path, S_ISGID | S_ISUID | 0o606);
    const fd = c.as(ALICE, ALICE, [ALICE], () => fs.openSync(path, O_WRONLY));
    c.as(ALICE, ALICE, [ALICE], () => fs.writeSync(fd, 'X'));
    fs.closeSync(fd);
    assert.equal(mode(path), S_ISGID | 0o606);
  },
  'chmod of a missing name, and below a file': (c) => {
    fails('ENOENT', () => fs.chmodSync(c.at('none'), 0o644));
    c.file('f');
    fails('ENOTDIR', () => fs.chmodSync(c.at('f', 'x'), 0o644));
  },
};

/** Time stamps come from the kernel's tick, up to 10 ms long. */
export function pause(ms: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
}
