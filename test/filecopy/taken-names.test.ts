// SPDX-License-Identifier: MIT
// What --conflict decides where names are long, taken on this side too, or those of a folder here and a file there.

import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { ninefold, type Ran } from '../helpers/cli.ts';
import { program, scratch } from '../helpers/places.ts';
import { noTerminal, onTerminal } from '../helpers/terminal.ts';

interface Desk {
  from: string;
  incoming: string;
  receiver: string;
  copy(options: readonly string[], name: string): Promise<Ran>;
}

/** Files by their paths below `from` and `incoming`; the contents are the paths. */
function desk(t: { after(fn: () => void): void }, here: readonly string[], there: readonly string[]): Desk {
  const top = scratch(t, 'taken');
  const [from, incoming] = [join(top, 'from'), join(top, 'in')];
  for (const [side, paths] of [
    [from, here],
    [incoming, there],
  ] as const) {
    mkdirSync(side);
    for (const path of paths) {
      mkdirSync(join(side, path, '..'), { recursive: true });
      writeFileSync(join(side, path), path);
    }
  }
  const receiver = `exec:exec '${process.execPath}' '${program('ninefold')}' receive --stdio --allow-replace --sandbox none '${incoming}'`;
  const copy = (options: readonly string[], name: string): Promise<Ran> =>
    ninefold(['copy', ...options, join(from, name), receiver]);
  return { from, incoming, receiver, copy };
}

const list = (dir: string): string[] =>
  (readdirSync(dir, { recursive: true }) as string[]).filter((path) => path !== 'd').sort();

test('rename chooses no name that another file of this transfer has', async (t) => {
  const d = desk(t, ['d/a', 'd/a (2)', 'd/b/x', 'd/b (2)/y', 'd/c\n', 'd/c\n (2)'], ['d/a', 'd/b', 'd/c%0A']);
  const r = await d.copy(['--conflict', 'rename', '--rename-unsafe'], 'd');
  assert.equal(r.code, 0, r.stderr);
  assert.deepEqual(list(d.incoming), [
    'd/a',
    'd/a (2)',
    'd/a (3)',
    'd/b',
    'd/b (2)',
    'd/b (2)/y',
    'd/b (3)',
    'd/b (3)/x',
    'd/c%0A',
    'd/c%0A (2)',
    'd/c%0A (3)',
  ]);
  assert.equal(readFileSync(join(d.incoming, 'd/a (3)'), 'utf8'), 'd/a');
  assert.equal(readFileSync(join(d.incoming, 'd/a (2)'), 'utf8'), 'd/a (2)');
});

test('a new name is no longer than names may be, and has no half characters', async (t) => {
  const long = 'n'.repeat(253);
  const wide = `${'ü'.repeat(125)}.jpg`;
  const d = desk(t, [`d/${long}`, `d/${wide}`], [`d/${long}`, `d/${wide}`]);
  const r = await d.copy(['--conflict', 'rename'], 'd');
  assert.equal(r.code, 0, r.stderr);
  assert.deepEqual(
    list(d.incoming).sort(),
    [`d/${long}`, `d/${'n'.repeat(251)} (2)`, `d/${wide}`, `d/${'ü'.repeat(123)} (2).jpg`].sort(),
  );
});

test('links that are left out are not asked about', async (t) => {
  const d = desk(t, ['d/f'], ['d/g']);
  symlinkSync('f', join(d.from, 'd/l'));
  symlinkSync('g', join(d.incoming, 'd/l'));
  const r = await d.copy(['--ignore-symlinks', '--conflict', 'refuse'], 'd');
  assert.equal(r.code, 0, r.stderr);
  assert.deepEqual(list(d.incoming), ['d/f', 'd/g', 'd/l']);
});

test('a folder here and a file there, or the other way round, is settled before anything is sent', async (t) => {
  const sides = [['d/1', 'd/x/y', 'd/x/z/u'], ['d/x']] as const;
  const turned = [['d/1', 'd/x'], ['d/x/y']] as const;
  for (const [[here, there], way, want, says] of [
    [sides, 'skip', ['d/1', 'd/x'], /left out "d\/x" with all that is in it/],
    [
      sides,
      'rename',
      ['d/1', 'd/x', 'd/x (2)', 'd/x (2)/y', 'd/x (2)/z', 'd/x (2)/z/u'],
      /copied 3 files, 3 folders/,
    ],
    [sides, 'replace', ['d/x'], /cannot replace "d\/x" there: there it is no folder/],
    [sides, 'refuse', ['d/x'], /cannot send "d\/x": the receiver has one of that name/],
    [turned, 'skip', ['d/1', 'd/x', 'd/x/y'], /left out 1 file or link/],
    [turned, 'rename', ['d/1', 'd/x', 'd/x (2)', 'd/x/y'], /copied 2 files/],
    [turned, 'replace', ['d/x', 'd/x/y'], /cannot replace "d\/x" there: there it is a folder/],
  ] as const) {
    const d = desk(t, here, there);
    const r = await d.copy(['--conflict', way], 'd');
    assert.equal(r.code, want[0] === 'd/1' ? 0 : 66, r.stderr);
    assert.match(r.stderr, says);
    assert.deepEqual(list(d.incoming), want);
  }
});

test('an argument that is a folder here and a file there; folders of one name are sent together', async (t) => {
  const d = desk(t, ['a/x/1', 'b/x/2'], ['x']);
  for (const way of ['skip', 'rename']) {
    const paths = ['a/x', 'b/x'].map((path) => join(d.from, path));
    const r = await ninefold(['move', '--conflict', way, ...paths, d.receiver]);
    assert.equal(r.code, 0, r.stderr);
  }
  assert.deepEqual(list(d.incoming), ['x', 'x (2)', 'x (2)/1', 'x (2)/2']);
  assert.ok(!existsSync(join(d.from, 'a/x')));
});

test('ask: "overwrite for all" asks again where nothing can be overwritten', {
  skip: noTerminal() ?? false,
}, async (t) => {
  const d = desk(t, ['d/x/y'], ['d/x']);
  const argv = [process.execPath, program('ninefold'), 'copy', '--conflict=ask', join(d.from, 'd'), '"$TO"'];
  const seen = await onTerminal(argv.join(' '), /for all\? /, ['O\n', 'r\n'], {
    ...process.env,
    TO: d.receiver,
  });
  assert.equal(seen.code, 0, seen.text);
  assert.match(seen.text, /"d\/x" \(a folder\) is there already \(3 B\)\. s skip, r rename, q stop/);
  assert.deepEqual(list(d.incoming), ['d/x', 'd/x (2)', 'd/x (2)/y']);
});
