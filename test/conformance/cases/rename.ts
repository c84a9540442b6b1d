// SPDX-License-Identifier: MIT

import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import { ESTALE } from '../../../src/base/errno.ts';
import { O_DIRECTORY, O_RDONLY, O_RDWR } from '../../../src/base/sys.ts';
import { ALICE, BOB, type Cases, fails } from '../case.ts';
import { many } from '../patience.ts';
import { pause } from './modes.ts';

const ino = (path: string): bigint => fs.lstatSync(path, { bigint: true }).ino;
const text = (path: string): string => fs.readFileSync(path, 'utf8');
const RENAME_NOREPLACE = 1;
const RENAME_EXCHANGE = 2;
const RENAME_WHITEOUT = 4;

/** rename(2) and renameat2(2). */
/**
 * The text of a file that another process keeps replacing. Over a network an open can find the name taken by the next file; the kernel looks again once (ESTALE in
 * fs/namei.c), and then leaves it to the program.
 */
function latest(path: string, tries = 8): string {
  try {
    return text(path);
  } catch (error) {
    if (tries <= 1 || (error as { errno?: number }).errno !== -ESTALE) throw error;
    return latest(path, tries - 1);
  }
}

export const renameCases: Cases = {
  'a file gets another name and stays the same file': (c) => {
    const path = c.file('f', 'abc');
    const was = ino(path);
    fs.renameSync(path, c.at('g'));
    assert.ok(!fs.existsSync(path));
    assert.equal(ino(c.at('g')), was);
    assert.equal(text(c.at('g')), 'abc');
    assert.deepEqual(fs.readdirSync(c.dir), ['g']);
  },
  'a file replaces a file': (c) => {
    const was = ino(c.file('f', 'new'));
    c.file('g', 'old');
    fs.renameSync(c.at('f'), c.at('g'));
    assert.deepEqual([text(c.at('g')), ino(c.at('g')), fs.readdirSync(c.dir)], ['new', was, ['g']]);
  },
  'a replaced file that is open stays readable and writable': (c) => {
    c.file('f', 'new');
    const fd = fs.openSync(c.file('g', 'old'), O_RDWR);
    fs.renameSync(c.at('f'), c.at('g'));
    fs.writeSync(fd, 'O', 0);
    assert.equal(c.k.pread(fd, 3, 0).toString(), 'Old');
    assert.equal(fs.fstatSync(fd).nlink, 0);
    assert.equal(text(c.at('g')), 'new');
    fs.closeSync(fd);
  },
  'onto itself does nothing': (c) => {
    fs.renameSync(c.file('f', 'abc'), c.at('f'));
    assert.equal(text(c.at('f')), 'abc');
  },
  'onto another name of the same file does nothing': (c) => {
    fs.linkSync(c.file('f'), c.at('g'));
    fs.renameSync(c.at('f'), c.at('g'));
    assert.deepEqual(fs.readdirSync(c.dir).sort(), ['f', 'g']);
  },
  'a file onto a folder gives EISDIR, a folder onto a file ENOTDIR': (c) => {
    const [f, d] = [c.file('f'), c.folder('d')];
    fails('EISDIR', () => fs.renameSync(f, d));
    fails('ENOTDIR', () => fs.renameSync(d, f));
  },
  'a folder replaces an empty folder': (c) => {
    const was = ino(c.folder('d'));
    c.file('d/x', 'abc');
    c.folder('e');
    fs.renameSync(c.at('d'), c.at('e'));
    assert.deepEqual([ino(c.at('e')), text(c.at('e', 'x'))], [was, 'abc']);
  },
  'a folder does not replace a full one': (c) => {
    c.folder('d');
    c.folder('e');
    c.file('e/x');
    fails(['ENOTEMPTY', 'EEXIST'], () => fs.renameSync(c.at('d'), c.at('e')));
  },
  'a folder cannot go into itself or below': (c) => {
    c.folder('d');
    c.folder('d/e');
    fails('EINVAL', () => fs.renameSync(c.at('d'), `${c.at('d')}/f`));
    fails('EINVAL', () => fs.renameSync(c.at('d'), `${c.at('d')}/e/f`));
  },
  'a folder onto its own ancestor gives ENOTEMPTY': (c) => {
    c.folder('d');
    c.folder('d/e');
    fails(['ENOTEMPTY', 'EEXIST'], () => fs.renameSync(c.at('d', 'e'), c.at('d')));
  },
  'the last component may be neither . nor ..': (c) => {
    const d = c.folder('d');
    for (const [from, to] of [
      [`${d}/.`, c.at('e')],
      [`${d}/..`, c.at('e')],
      [d, `${c.dir}/.`],
      [c.file('f'), `${d}/..`],
    ] as const)
      fails(['EBUSY', 'EINVAL'], () => fs.renameSync(from, to));
  },
  'a missing source, a missing target folder, a file as folder': (c) => {
    fails('ENOENT', () => fs.renameSync(c.at('none'), c.at('g')));
    const f = c.file('f');
    fails('ENOENT', () => fs.renameSync(f, c.at('none', 'g')));
    fails('ENOTDIR', () => fs.renameSync(f, c.at('f', 'g')));
  },
  'a slash behind a file gives ENOTDIR, behind a folder is fine': (c) => {
    fails('ENOTDIR', () => fs.renameSync(`${c.file('f')}/`, c.at('g')));
    fails('ENOTDIR', () => fs.renameSync(c.at('f'), `${c.at('g')}/`));
    fs.renameSync(`${c.folder('d')}/`, `${c.at('e')}/`);
    assert.ok(fs.statSync(c.at('e')).isDirectory());
  },
  'a symlink is renamed, not what it names': (c) => {
    c.file('f', 'abc');
    fs.symlinkSync('f', c.at('l'));
    fs.renameSync(c.at('l'), c.at('m'));
    assert.equal(fs.readlinkSync(c.at('m')), 'f');
    assert.equal(text(c.at('f')), 'abc');
  },
  'a symlink is replaced, not what it names': (c) => {
    c.file('f', 'target');
    fs.symlinkSync('f', c.at('l'));
    fs.renameSync(c.file('g', 'new'), c.at('l'));
    assert.ok(fs.lstatSync(c.at('l')).isFile());
    assert.deepEqual([text(c.at('l')), text(c.at('f'))], ['new', 'target']);
  },
  'a moved folder knows its new parent': (c) => {
    c.folder('a');
    c.folder('b');
    fs.mkdirSync(c.at('a', 's'));
    fs.renameSync(c.at('a', 's'), c.at('b', 's'));
    assert.equal(fs.statSync(`${c.at('b', 's')}/..`, { bigint: true }).ino, ino(c.at('b')));
  },
  'what is below a moved folder is found at its new place only': (c) => {
    c.folder('a');
    c.folder('a/b');
    c.file('a/b/f', 'abc');
    assert.equal(text(c.at('a', 'b', 'f')), 'abc');
    fs.renameSync(c.at('a'), c.at('z'));
    assert.equal(text(c.at('z', 'b', 'f')), 'abc');
    fails('ENOENT', () => fs.statSync(c.at('a', 'b', 'f')));
  },
  'a folder that is open lists and makes at its new place': (c) => {
    c.folder('a');
    c.file('a/f');
    const fd = fs.openSync(c.at('a'), O_RDONLY | O_DIRECTORY);
    fs.renameSync(c.at('a'), c.at('z'));
    fs.writeFileSync(`/proc/self/fd/${fd}/g`, 'abc');
    assert.deepEqual(
      c.k
        .entries(fd)
        .map((e) => e.name.toString())
        .sort(),
      ['.', '..', 'f', 'g'],
    );
    assert.equal(text(c.at('z', 'g')), 'abc');
    fs.closeSync(fd);
  },
  'two names change places through a third': (c) => {
    const [a, b] = [ino(c.file('a', 'A')), ino(c.file('b', 'B'))];
    for (let i = 0; i < 10; i++) {
      fs.renameSync(c.at('a'), c.at('t'));
      fs.renameSync(c.at('b'), c.at('a'));
      fs.renameSync(c.at('t'), c.at('b'));
      const odd = i % 2 === 0;
      assert.deepEqual([text(c.at('a')), text(c.at('b'))], odd ? ['B', 'A'] : ['A', 'B']);
      assert.deepEqual([ino(c.at('a')), ino(c.at('b'))], odd ? [b, a] : [a, b]);
    }
  },
  'replacing a file again and again always shows one or the other, whole': async (c) => {
    c.file('f', 'x'.repeat(5000));
    const writer = c.python.start(
      `hear()
for i in range(${many(200)}):
    with open(args[0] + '.new', 'w') as o: o.write('xy'[i % 2] * 5000)
    os.rename(args[0] + '.new', args[0])
say('done')`,
      c.at('f'),
    );
    writer.say('go');
    let done = false;
    const end = writer.hear().finally(() => (done = true));
    // Awaited below; but when this process fails first, the helper is ended, and that must not be a second failure.
    end.catch(() => {});
    while (!done) {
      const seen = latest(c.at('f'));
      assert.ok(/^(x{5000}|y{5000})$/.test(seen), `${seen.length} bytes, mixed or short`);
      await new Promise((resolve) => setImmediate(resolve));
    }
    await end;
  },
  'the ctime of the renamed file moves, its mtime does not': (c) => {
    const path = c.file('f');
    c.k.utimens(path, { sec: 1, nsec: 0 }, { sec: 2, nsec: 0 });
    const before = fs.statSync(path, { bigint: true });
    pause(12);
    fs.renameSync(path, c.at('g'));
    const after = fs.statSync(c.at('g'), { bigint: true });
    assert.equal(after.mtimeNs, before.mtimeNs);
    assert.ok(after.ctimeNs > before.ctimeNs);
  },
  'in a sticky folder only the owner renames': (c) => {
    c.need('root', 'suid');
    const dir = c.folder('d', 0o1777);
    c.file('d/f');
    fs.chownSync(c.at('d', 'f'), ALICE, ALICE);
    fails(['EPERM', 'EACCES'], () => c.as(BOB, BOB, [], () => fs.renameSync(`${dir}/f`, `${dir}/g`)));
    c.as(ALICE, ALICE, [], () => fs.renameSync(`${dir}/f`, `${dir}/g`));
  },
  'RENAME_NOREPLACE refuses a name that is there': (c) => {
    c.need('renameFlags');
    c.file('f');
    c.file('g');
    fails('EEXIST', () => c.k.rename2(c.at('f'), c.at('g'), RENAME_NOREPLACE));
    c.k.rename2(c.at('f'), c.at('h'), RENAME_NOREPLACE);
    assert.deepEqual(fs.readdirSync(c.dir).sort(), ['g', 'h']);
  },
  'RENAME_EXCHANGE swaps a file and a folder': (c) => {
    c.need('renameFlags');
    c.file('f', 'abc');
    c.folder('d');
    c.k.rename2(c.at('f'), c.at('d'), RENAME_EXCHANGE);
    assert.equal(text(c.at('d')), 'abc');
    assert.ok(fs.statSync(c.at('f')).isDirectory());
  },
  'flags that cannot be kept are refused with EINVAL, and nothing changes': (c) => {
    if (c.caps.renameFlags === true) {
      fails('EINVAL', () => c.k.rename2(c.file('f'), c.at('x'), RENAME_NOREPLACE | RENAME_EXCHANGE));
      return;
    }
    c.file('f', 'F');
    c.file('g', 'G');
    fails('EINVAL', () => c.k.rename2(c.at('f'), c.at('new'), RENAME_NOREPLACE));
    // The kernel itself sees that the name is there.
    fails('EEXIST', () => c.k.rename2(c.at('f'), c.at('g'), RENAME_NOREPLACE));
    for (const flags of [RENAME_EXCHANGE, RENAME_WHITEOUT, 8])
      fails('EINVAL', () => c.k.rename2(c.at('f'), c.at('g'), flags));
    assert.deepEqual([text(c.at('f')), text(c.at('g'))], ['F', 'G']);
    assert.deepEqual(fs.readdirSync(c.dir).sort(), ['f', 'g']);
  },
};
