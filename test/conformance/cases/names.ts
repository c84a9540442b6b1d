// SPDX-License-Identifier: MIT

import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import { type Cases, type Ctx, fails } from '../case.ts';
import { many } from '../patience.ts';

/** Makes a file of that name, finds it by listing and by name, reads, renames and removes it. */
function roundTrip(c: Ctx, name: Buffer): void {
  const dir = Buffer.from(`${c.dir}/`);
  const path = Buffer.concat([dir, name]);
  const shown = JSON.stringify(name.toString('latin1')).slice(0, 60);
  fs.writeFileSync(path, 'abc');
  const listed = fs.readdirSync(c.dir, { encoding: 'buffer' });
  assert.equal(listed.length, 1, shown);
  assert.deepEqual(listed[0], name, shown);
  assert.equal(fs.readFileSync(path, 'utf8'), 'abc', shown);
  const other = Buffer.concat([dir, Buffer.from('other')]);
  fs.renameSync(path, other);
  fs.renameSync(other, path);
  fs.unlinkSync(path);
}

/** Names of any bytes and lengths, and long paths. */
export const nameCases: Cases = {
  'names of 1 to 255 bytes': (c) => {
    for (const n of [1, 2, 31, 63, 64, 127, 128, 254, 255]) roundTrip(c, Buffer.alloc(n, 0x61 + (n % 26)));
  },
  'a name of 256 bytes is too long, wherever it stands': (c) => {
    const name = c.at('x'.repeat(256));
    fails('ENAMETOOLONG', () => fs.writeFileSync(name, ''));
    fails('ENAMETOOLONG', () => fs.mkdirSync(name));
    fails('ENAMETOOLONG', () => fs.lstatSync(name));
    fails('ENAMETOOLONG', () => fs.lstatSync(`${name}/x`));
    fails('ENAMETOOLONG', () => fs.renameSync(c.file('f'), name));
    fails('ENAMETOOLONG', () => fs.symlinkSync('x', name));
  },
  'every byte but NUL and the slash is a name': (c) => {
    // Each by its own file; where all is slow, several to a file name.
    const bytes = Array.from({ length: 255 }, (_, i) => i + 1).filter((b) => b !== 0x2f && b !== 0x2e);
    const width = bytes.length > many(255) ? 6 : 1;
    for (let i = 0; i < bytes.length; i += width) roundTrip(c, Buffer.from(bytes.slice(i, i + width)));
  },
  'all bytes in one name': (c) => {
    const bytes = Array.from({ length: 255 }, (_, i) => i + 1).filter((b) => b !== 0x2f);
    roundTrip(c, Buffer.from(bytes));
  },
  'names that are no UTF-8': (c) => {
    for (const hex of ['ff', 'c0af', 'eda080', 'f4908080', '80', 'e282', '61ff62'])
      roundTrip(c, Buffer.from(hex, 'hex'));
  },
  'names of many scripts, joined and split accents kept apart': (c) => {
    for (const name of ['naïve', '日本語', 'файл', 'ملف', '🗂️', 'a\u202eb', '\u200b', 'é', 'e\u0301'])
      roundTrip(c, Buffer.from(name));
    c.file('é', 'joined');
    c.file('e\u0301', 'split');
    assert.equal(fs.readFileSync(c.at('é'), 'utf8'), 'joined');
    assert.equal(fs.readdirSync(c.dir).length, 2);
  },
  'names with newlines, quotes, spaces, backslashes, dashes, dots': (c) => {
    for (const name of [
      '\n',
      'a\nb',
      ' ',
      ' a',
      'a ',
      '"',
      "'",
      '\\',
      '\\x',
      '-rf',
      '...',
      '.a',
      'a.',
      '*',
      '?',
      '~',
      '$x',
      '%s',
    ])
      roundTrip(c, Buffer.from(name));
  },
  '85 three-byte characters are 255 bytes, 86 are too many': (c) => {
    roundTrip(c, Buffer.from('日'.repeat(85)));
    fails('ENAMETOOLONG', () => fs.writeFileSync(c.at('日'.repeat(86)), ''));
  },
  'upper and lower case are different names': (c) => {
    c.file('a', 'lower');
    c.file('A', 'upper');
    assert.equal(fs.readFileSync(c.at('a'), 'utf8'), 'lower');
    assert.equal(fs.readFileSync(c.at('A'), 'utf8'), 'upper');
  },
  '. and .. and doubled slashes lead where they should': (c) => {
    c.folder('d');
    c.file('f', 'abc');
    for (const path of ['d/../f', './f', 'd/./../f', './/./f', 'd/../d/../f'])
      assert.equal(fs.readFileSync(`${c.dir}/${path}`, 'utf8'), 'abc', path);
    fails('ENOENT', () => fs.statSync(`${c.dir}/none/../f`));
    fails('ENOTDIR', () => fs.statSync(`${c.dir}/f/../f`));
    assert.equal(
      fs.statSync(`${c.at('d')}/..`, { bigint: true }).ino,
      fs.statSync(c.dir, { bigint: true }).ino,
    );
  },
  'a path of 4,095 bytes is found, one of 4,096 is too long': (c) => {
    let path = c.dir;
    while (path.length + 102 < 4095 - 120) {
      path += `/${'d'.repeat(100)}`;
      fs.mkdirSync(path);
    }
    const fit = `${path}/${'f'.repeat(4095 - path.length - 1)}`;
    assert.equal(fit.length, 4095);
    fs.writeFileSync(fit, 'abc');
    assert.equal(fs.readFileSync(fit, 'utf8'), 'abc');
    fails('ENAMETOOLONG', () => fs.statSync(`${fit}x`));
  },
  '300 folders deep, by steps': (c) => {
    const code = `
os.chdir(args[0])
for i in range(300):
    os.mkdir('deep'); os.chdir('deep')
open('bottom', 'w').write('abc')
say(open('bottom').read(), len(os.getcwd()) > 1500)
for i in range(300):
    os.chdir('..')
say(sorted(os.listdir('.')))`;
    assert.equal(c.python.run(code, c.dir), "abc True\n['deep']");
  },
  'a path through a file gives ENOTDIR, through nothing ENOENT': (c) => {
    c.file('f');
    fails('ENOTDIR', () => fs.lstatSync(c.at('f', 'x')));
    fails('ENOENT', () => fs.lstatSync(c.at('none', 'x')));
    fails('ENOTDIR', () => fs.readdirSync(c.at('f')));
  },
};
