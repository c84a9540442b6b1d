// SPDX-License-Identifier: MIT

import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import * as O from '../../../src/base/sys.ts';
import { ALICE, type Cases, fails } from '../case.ts';

const CREATE = O.O_WRONLY | O.O_CREAT;
const EXCLUSIVE = CREATE | O.O_EXCL;

/** O_CREAT, O_EXCL and mkdir(2). */
export const createCases: Cases = {
  'O_CREAT makes an empty regular file with one link': (c) => {
    fs.closeSync(fs.openSync(c.at('f'), CREATE, 0o644));
    const s = fs.lstatSync(c.at('f'));
    assert.ok(s.isFile());
    assert.deepEqual([s.size, s.nlink, s.mode & 0o7777, s.uid], [0, 1, 0o644, process.geteuid?.()]);
  },
  'O_CREAT of a file that is there keeps content and mode': (c) => {
    c.file('f', 'abc', 0o640);
    fs.closeSync(fs.openSync(c.at('f'), CREATE, 0o777));
    assert.equal(fs.readFileSync(c.at('f'), 'utf8'), 'abc');
    assert.equal(fs.statSync(c.at('f')).mode & 0o7777, 0o640);
  },
  'O_EXCL refuses what is there: file, folder, symlink, dangling symlink': (c) => {
    c.file('f');
    c.folder('d');
    fs.symlinkSync('f', c.at('l'));
    fs.symlinkSync('nowhere', c.at('dangling'));
    for (const name of ['f', 'd', 'l', 'dangling'])
      fails('EEXIST', () => fs.openSync(c.at(name), EXCLUSIVE, 0o644));
    assert.ok(!fs.existsSync(c.at('nowhere')));
  },
  'O_CREAT through a dangling symlink makes its target': (c) => {
    c.need('symfollow');
    fs.symlinkSync('target', c.at('l'));
    fs.closeSync(fs.openSync(c.at('l'), CREATE, 0o644));
    assert.ok(fs.lstatSync(c.at('target')).isFile());
    assert.ok(fs.lstatSync(c.at('l')).isSymbolicLink());
  },
  'of eight processes that create one name with O_EXCL, one wins': async (c) => {
    const code = `hear(); won = 0
for i in range(20): won += tried(lambda: os.close(os.open(args[0] + str(i), os.O_WRONLY|os.O_CREAT|os.O_EXCL))) == 'ok'
say(won)`;
    const racers = Array.from({ length: 8 }, () => c.python.start(code, c.at('race')));
    for (const r of racers) r.say('go');
    const won = await Promise.all(racers.map(async (r) => Number(await r.hear())));
    assert.equal(
      won.reduce((a, b) => a + b),
      20,
    );
  },
  'a new file of mode 0 or 0444 is writable through the descriptor that made it': (c) => {
    for (const mode of [0, 0o444]) {
      const make = (): number => fs.openSync(c.at(`f${mode}`), O.O_RDWR | O.O_CREAT | O.O_EXCL, mode);
      const fd = make();
      fs.writeSync(fd, 'abc');
      assert.equal(c.k.pread(fd, 3, 0).toString(), 'abc');
      fs.closeSync(fd);
      assert.equal(fs.statSync(c.at(`f${mode}`)).mode & 0o7777, mode);
    }
  },
  'a plain user writes through the descriptor of a new file of mode 0': (c) => {
    c.need('root');
    fs.chmodSync(c.dir, 0o777);
    const fd = c.as(ALICE, ALICE, [], () => fs.openSync(c.at('f'), EXCLUSIVE, 0));
    c.as(ALICE, ALICE, [], () => fs.writeSync(fd, 'abc'));
    fs.closeSync(fd);
    assert.equal(fs.statSync(c.at('f')).size, 3);
    fails('EACCES', () => c.as(ALICE, ALICE, [], () => fs.openSync(c.at('f'), O.O_RDONLY)));
  },
  'a new object belongs to whoever makes it': (c) => {
    c.need('root');
    fs.chmodSync(c.dir, 0o777);
    c.as(ALICE, ALICE, [], () => {
      fs.closeSync(fs.openSync(c.at('f'), EXCLUSIVE, 0o644));
      fs.mkdirSync(c.at('d'));
      fs.symlinkSync('x', c.at('l'));
      c.k.mknod(c.at('p'), 0o010644);
    });
    for (const name of ['f', 'd', 'l', 'p']) {
      const s = fs.lstatSync(c.at(name));
      assert.deepEqual([name, s.uid, s.gid], [name, ALICE, ALICE]);
    }
  },
  'creating changes the mtime and ctime of the folder; opening what is there does not': (c) => {
    const dir = c.folder('d');
    c.k.utimens(dir, { sec: 1000, nsec: 0 }, { sec: 1000, nsec: 0 });
    const before = fs.statSync(dir, { bigint: true });
    fs.closeSync(fs.openSync(c.at('d', 'f'), EXCLUSIVE, 0o644));
    const after = fs.statSync(dir, { bigint: true });
    assert.ok(after.mtimeNs > before.mtimeNs);
    assert.ok(after.ctimeNs >= before.ctimeNs);
    c.k.utimens(dir, { sec: 1000, nsec: 0 }, { sec: 1000, nsec: 0 });
    fs.closeSync(fs.openSync(c.at('d', 'f'), CREATE, 0o644));
    assert.equal(fs.statSync(dir).mtimeMs, 1_000_000);
  },
  'nothing can be made in a folder that was removed while open': (c) => {
    const dir = c.folder('d');
    const fd = fs.openSync(dir, O.O_RDONLY | O.O_DIRECTORY);
    fs.rmdirSync(dir);
    fails('ENOENT', () => fs.openSync(`/proc/self/fd/${fd}/f`, EXCLUSIVE, 0o644));
    fails('ENOENT', () => fs.mkdirSync(`/proc/self/fd/${fd}/d`));
    fs.closeSync(fd);
  },
  'mkdir makes an empty folder of two links': (c) => {
    fs.mkdirSync(c.at('d'), 0o750);
    const s = fs.lstatSync(c.at('d'));
    assert.ok(s.isDirectory());
    assert.deepEqual([s.nlink, s.mode & 0o7777], [2, 0o750]);
    assert.deepEqual(fs.readdirSync(c.at('d')), []);
  },
  'mkdir refuses what is there: file, folder, symlink, dangling symlink': (c) => {
    c.file('f');
    c.folder('d');
    fs.symlinkSync('d', c.at('l'));
    fs.symlinkSync('nowhere', c.at('dangling'));
    for (const name of ['f', 'd', 'l', 'dangling']) fails('EEXIST', () => fs.mkdirSync(c.at(name)));
  },
  'mkdir accepts a slash behind the name': (c) => {
    fs.mkdirSync(`${c.at('d')}/`);
    assert.ok(fs.statSync(c.at('d')).isDirectory());
  },
  'a name just removed can be made again as another kind': (c) => {
    for (let i = 0; i < 20; i++) {
      fs.mkdirSync(c.at('x'));
      assert.ok(fs.lstatSync(c.at('x')).isDirectory());
      fs.rmdirSync(c.at('x'));
      fs.writeFileSync(c.at('x'), `${i}`);
      assert.equal(fs.readFileSync(c.at('x'), 'utf8'), `${i}`);
      fs.unlinkSync(c.at('x'));
      fs.symlinkSync(`to${i}`, c.at('x'));
      assert.equal(fs.readlinkSync(c.at('x')), `to${i}`);
      fs.unlinkSync(c.at('x'));
    }
  },
  'a name that was looked for in vain is found once it is made by another process': (c) => {
    assert.ok(!fs.existsSync(c.at('late')));
    c.python.run("open(args[0], 'w').write('abc')", c.at('late'));
    assert.equal(fs.readFileSync(c.at('late'), 'utf8'), 'abc');
  },
};
