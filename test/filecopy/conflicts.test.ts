// SPDX-License-Identifier: MIT
// Names that are there already, and transfers that were cut: settled before anything is sent, between two ends of ours.

import assert from 'node:assert/strict';
import {
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { EEXIST } from '../../src/base/errno.ts';
import { OP_HELLO, OP_REPLACE, OP_RESUME } from '../../src/qfile/index.ts';
import { ninefold, type Ran } from '../helpers/cli.ts';
import { program, scratch } from '../helpers/places.ts';
import { noTerminal, onTerminal, type Seen } from '../helpers/terminal.ts';
import { DIR, END, item, REG, unpack } from './wire.ts';

interface Desk {
  from: string;
  incoming: string;
  copy(options: readonly string[], receiver?: string): Promise<Ran>;
}

/** `tree` with `a` and `b` and a link goes to where `tree/a` and the link are. */
function desk(t: { after(fn: () => void): void }): Desk {
  const top = scratch(t, 'conflict');
  const [from, incoming] = [join(top, 'from'), join(top, 'in')];
  for (const dir of [from, incoming]) mkdirSync(join(dir, 'tree'), { recursive: true });
  writeFileSync(join(from, 'tree/a.txt'), 'new a');
  writeFileSync(join(from, 'tree/b'), 'b');
  symlinkSync('b', join(from, 'tree/l'));
  writeFileSync(join(incoming, 'tree/a.txt'), 'old');
  symlinkSync('old', join(incoming, 'tree/l'));
  const copy = (options: readonly string[], receiver = '--conflicts --allow-replace'): Promise<Ran> =>
    ninefold(
      [
        'copy',
        ...options,
        join(from, 'tree'),
        `exec:exec '${process.execPath}' '${program('ninefold')}' receive --stdio ${receiver} --sandbox none '${incoming}'`,
      ],
      {
        patience: 60_000,
      },
    );
  return { from, incoming, copy };
}

const there = (d: Desk): Record<string, string> =>
  Object.fromEntries(
    readdirSync(join(d.incoming, 'tree'))
      .sort()
      .map((name) => {
        const path = join(d.incoming, 'tree', name);
        return [name, name.startsWith('l') ? readlinkSync(path) : readFileSync(path, 'utf8')];
      }),
  );

test('skip, rename, replace; refuse says which', async (t) => {
  const refused = desk(t);
  const r = await refused.copy(['--conflict', 'refuse']);
  assert.equal(r.code, 66);
  assert.match(r.stderr, /cannot send "tree\/(a\.txt|l)": the receiver has one of that name/);
  assert.deepEqual(there(refused), { 'a.txt': 'old', l: 'old' }, 'nothing was sent');
  for (const [way, want] of [
    ['skip', { 'a.txt': 'old', b: 'b', l: 'old' }],
    ['rename', { 'a (2).txt': 'new a', 'a.txt': 'old', b: 'b', l: 'old', 'l (2)': 'b' }],
    ['replace', { 'a.txt': 'new a', b: 'b', l: 'b' }],
  ] as const) {
    const d = desk(t);
    const done = await d.copy(['--conflict', way]);
    assert.equal(done.code, 0, done.stderr);
    assert.deepEqual(there(d), want, way);
    if (way !== 'rename') continue;
    const again = await d.copy(['--conflict', way]);
    assert.equal(again.code, 0, again.stderr);
    assert.equal(there(d)['a (3).txt'], 'new a');
  }
});

const noTty = noTerminal();

/** `ninefold copy --conflict ask` on a terminal, with these answers. */
function asked(d: Desk, keys: readonly string[]): Promise<Seen> {
  const receiver = `exec '${process.execPath}' '${program('ninefold')}' receive --stdio --conflicts --allow-replace --sandbox none '${d.incoming}'`;
  const argv = [
    process.execPath,
    program('ninefold'),
    'copy',
    '--conflict=ask',
    join(d.from, 'tree'),
    '"$TO"',
  ];
  return onTerminal(argv.join(' '), /for all\? /, keys, { ...process.env, TO: `exec:${receiver}` });
}

test('ask: each name by itself, what is no answer is asked again', { skip: noTty ?? false }, async (t) => {
  const d = desk(t);
  const seen = await asked(d, ['what\n', 'r\n', 's\n']);
  assert.equal(seen.code, 0, seen.text);
  const names = [...seen.text.matchAll(/"tree\/([^"]*)" \(/g)].map((m) => m[1]);
  assert.equal(names.length, 3);
  assert.equal(names[0], names[1]);
  assert.notEqual(names[1], names[2]);
  const both = { 'a.txt': 'old', b: 'b', l: 'old' };
  assert.deepEqual(
    there(d),
    names[0] === 'a.txt' ? { ...both, 'a (2).txt': 'new a' } : { ...both, 'l (2)': 'b' },
  );
});

test('ask: a capital letter holds for all', { skip: noTty ?? false }, async (t) => {
  const d = desk(t);
  const seen = await asked(d, ['O\n']);
  assert.equal(seen.code, 0, seen.text);
  assert.deepEqual(there(d), { 'a.txt': 'new a', b: 'b', l: 'b' });
});

test('ask: q, or the end of the terminal, sends nothing', { skip: noTty ?? false }, async (t) => {
  for (const key of ['q\n', '\u0004']) {
    const d = desk(t);
    const seen = await asked(d, [key]);
    assert.equal(seen.code, 66, seen.text);
    assert.match(seen.text, /you stopped it.*nothing was sent/s);
    assert.deepEqual(there(d), { 'a.txt': 'old', l: 'old' });
  }
});

test('a receiver that does not allow it replaces nothing; one that does not know the extension goes on as ever', async (t) => {
  const d = desk(t);
  const careful = await d.copy(['--conflict', 'replace'], '--conflicts');
  assert.equal(careful.code, 66);
  assert.match(careful.stderr, /the receiver does not allow it/);
  const old = await d.copy(['--conflict', 'replace'], '');
  assert.equal(old.code, 77);
  assert.match(old.stderr, /does not tell which names it has/);
  assert.match(old.stderr, /refused "tree\/.*there is one of that name/);
  assert.deepEqual([there(d)['a.txt'], there(d).l], ['old', 'old']);
  const fresh = scratch(t, 'fresh');
  const plain = await ninefold([
    'copy',
    '--resume',
    join(d.from, 'tree'),
    `exec:exec '${process.execPath}' '${program('ninefold')}' receive --stdio --sandbox none '${fresh}'`,
  ]);
  assert.equal(plain.code, 0, plain.stderr);
  assert.deepEqual(readdirSync(join(fresh, 'tree')).sort(), ['a.txt', 'b', 'l']);
});

test('over ssh: the receiver is allowed what this transfer needs, and no more', async (t) => {
  const d = desk(t);
  const ssh = join(d.from, 'ssh');
  writeFileSync(
    ssh,
    `#!/bin/sh\nfor last; do :; done\necho "$last" > '${join(d.from, 'asked')}'\nexec sh -c "$last"\n`,
    {
      mode: 0o755,
    },
  );
  const remote = join(d.from, 'remote');
  writeFileSync(remote, `#!/bin/sh\nexec '${process.execPath}' '${program('ninefold')}' "$@"\n`, {
    mode: 0o755,
  });
  writeFileSync(join(d.from, 'tree/party 🎉'), 'odd');
  const far = ['--ssh-command', ssh, '--remote-command', remote];
  for (const [options, want] of [
    [['--conflict', 'skip', '--all-names'], '--conflicts --allow-all-names --'],
    [['--resume', '--conflict', 'rename', '--rename-unsafe'], '--conflicts --'],
    [['--conflict', 'replace', '--all-names'], '--conflicts --allow-replace --allow-all-names --'],
  ] as const) {
    const to = `ssh://box${d.incoming}`;
    const r = await ninefold(['copy', ...options, ...far, join(d.from, 'tree'), to]);
    assert.equal(r.code, 0, r.stderr);
    assert.ok(readFileSync(join(d.from, 'asked'), 'utf8').includes(`receive --stdio ${want} `));
  }
  assert.equal(there(d)['party 🎉'], 'odd');
});

test('--resume: what is there whole is left alone, and of a beginning only the rest is sent', async (t) => {
  const top = scratch(t, 'resume');
  const [from, incoming] = [join(top, 'from'), join(top, 'in')];
  mkdirSync(from);
  mkdirSync(incoming);
  const big = Buffer.alloc(5_000_000, 'the big file ');
  writeFileSync(join(from, 'big'), big, { mode: 0o640 });
  writeFileSync(join(from, 'small'), 'small');
  utimesSync(join(from, 'big'), 1e9, 1e9);
  // The transfer is cut after 3,000,000 bytes of the big one.
  const start = Buffer.concat([
    item('small', REG, 'small', mtime(join(from, 'small'))),
    item('big', 0o100640, big.subarray(0, 3_000_000), { filelen: big.length }),
  ]);
  const hello = item('small', REG | (OP_HELLO << 16), '', { filelen: 5 });
  const how = { hello, env: { NINEFOLD_CONFLICTS: '1' } };
  const cut = await unpack(incoming, start, how);
  assert.equal(cut.code, 118);
  assert.deepEqual(readdirSync(incoming).sort(), ['.big.ninefold-part', 'small']);
  assert.equal(statSync(join(incoming, '.big.ninefold-part')).size, 3_000_000);
  const before = statSync(join(incoming, 'small')).ino;
  // Gone on with and cut again: what came the second time stays, too.
  const had = Buffer.alloc(8);
  had.writeBigUInt64LE(3_000_000n);
  const rest = [
    item('big', 0o100640 | (OP_RESUME << 16), '', { filelen: 2_000_000 }),
    had,
    big.subarray(3e6, 4e6),
  ];
  const cutAgain = await unpack(incoming, Buffer.concat(rest), how);
  assert.equal(cutAgain.code, 118);
  assert.deepEqual(readdirSync(incoming).sort(), ['.big.ninefold-part', 'small']);
  assert.ok(readFileSync(join(incoming, '.big.ninefold-part')).equals(big.subarray(0, 4e6)));
  const go = (): Promise<Ran> =>
    ninefold([
      'copy',
      '--resume',
      join(from, 'small'),
      join(from, 'big'),
      `exec:exec '${process.execPath}' '${program('ninefold')}' receive --stdio --conflicts --sandbox none '${incoming}'`,
    ]);
  const done = await go();
  assert.equal(done.code, 0, done.stderr);
  assert.match(done.stderr, /copied 1 file, .*: 1\.0 MB in/);
  assert.match(done.stderr, /left out 1 file or link that the receiver has/);
  assert.deepEqual(readdirSync(incoming).sort(), ['big', 'small']);
  assert.ok(readFileSync(join(incoming, 'big')).equals(big));
  assert.equal(statSync(join(incoming, 'big')).mode & 0o777, 0o640);
  assert.equal(statSync(join(incoming, 'big')).mtimeMs, 1e12);
  assert.equal(statSync(join(incoming, 'small')).ino, before);
  const again = await go();
  assert.equal(again.code, 0, again.stderr);
  assert.match(again.stderr, /copied 0 files/);
});

test('a beginning that is another is not gone on with', async (t) => {
  const top = scratch(t, 'resume');
  writeFileSync(join(top, 'f'), Buffer.alloc(200_000, 'mine'));
  mkdirSync(join(top, 'in'));
  writeFileSync(join(top, 'in/.f.ninefold-part'), Buffer.alloc(100_000, 'other'), { mode: 0o600 });
  const r = await ninefold([
    'copy',
    '--resume',
    join(top, 'f'),
    `exec:exec '${process.execPath}' '${program('ninefold')}' receive --stdio --conflicts --sandbox none '${join(top, 'in')}'`,
  ]);
  assert.equal(r.code, 0, r.stderr);
  assert.deepEqual(readdirSync(join(top, 'in')), ['f']);
  assert.ok(readFileSync(join(top, 'in/f')).equals(readFileSync(join(top, 'f'))));
});

test("what has the name of a beginning and is none stays: the receiver's own, and what came in this transfer", async (t) => {
  const top = scratch(t, 'resume');
  const [from, incoming] = [join(top, 'from'), join(top, 'in')];
  for (const dir of [from, incoming]) mkdirSync(dir);
  const receiver = `exec:exec '${process.execPath}' '${program('ninefold')}' receive --stdio --conflicts --sandbox none '${incoming}'`;
  // As large as a beginning and with its mode.
  const big = Buffer.alloc(100_000, 'precious');
  writeFileSync(join(from, '.foo.ninefold-part'), big, { mode: 0o600 });
  writeFileSync(join(from, 'foo'), 'foo');
  writeFileSync(join(from, 'bar'), 'bar');
  writeFileSync(join(incoming, '.bar.ninefold-part'), "the receiver's", { mode: 0o600 });
  const names = ['.foo.ninefold-part', 'foo', 'bar'];
  const r = await ninefold(['move', '--resume', ...names.map((name) => join(from, name)), receiver]);
  assert.equal(r.code, 0, r.stderr);
  assert.deepEqual(readdirSync(from), []);
  assert.deepEqual(readdirSync(incoming).sort(), ['.bar.ninefold-part', '.foo.ninefold-part', 'bar', 'foo']);
  assert.ok(readFileSync(join(incoming, '.foo.ninefold-part')).equals(big));
  assert.equal(readFileSync(join(incoming, '.bar.ninefold-part'), 'utf8'), "the receiver's");
});

test('a file that was gone on with is no beginning of another afterwards', async (t) => {
  const dir = scratch(t, 'resume');
  const whole = Buffer.alloc(200_000, 'whole');
  writeFileSync(join(dir, '..f.ninefold-part.ninefold-part'), whole.subarray(0, 100_000), { mode: 0o600 });
  const had = Buffer.alloc(8);
  had.writeBigUInt64LE(100_000n);
  const rest = item('.f.ninefold-part', REG | (OP_RESUME << 16), '', { filelen: 100_000 });
  const stream = [rest, had, whole.subarray(100_000), item('f', REG, 'f'), END];
  const hello = item('d', DIR | (OP_HELLO << 16));
  const r = await unpack(dir, Buffer.concat(stream), { hello, env: { NINEFOLD_CONFLICTS: '1' } });
  assert.deepEqual([r.code, r.sumMatches], [0, true]);
  assert.deepEqual(readdirSync(dir).sort(), ['.f.ninefold-part', 'f']);
  assert.ok(readFileSync(join(dir, '.f.ninefold-part')).equals(whole));
});

test('a beginning is not kept where another file has its name', async (t) => {
  const dir = scratch(t, 'resume');
  writeFileSync(join(dir, '.f.ninefold-part'), "the receiver's");
  const cut = item('f', REG, Buffer.alloc(100_000), { filelen: 200_000 });
  const hello = item('d', DIR | (OP_HELLO << 16));
  const r = await unpack(dir, cut, { hello, env: { NINEFOLD_CONFLICTS: '1' } });
  assert.equal(r.code, 118);
  assert.deepEqual(readdirSync(dir), ['.f.ninefold-part']);
  assert.equal(readFileSync(join(dir, '.f.ninefold-part'), 'utf8'), "the receiver's");
});

test('a hostile sender cannot replace by the extension what the receiver does not let it', async (t) => {
  const dir = scratch(t, 'replace');
  writeFileSync(join(dir, 'mine'), 'mine');
  const over = item('mine', REG | (OP_REPLACE << 16), 'theirs');
  const hello = item('d', DIR | (OP_HELLO << 16));
  for (const how of [
    { env: {} },
    { env: { NINEFOLD_ALLOW_REPLACE: '1' } },
    { hello, env: { NINEFOLD_CONFLICTS: '1' } },
  ]) {
    const r = await unpack(dir, Buffer.concat([over, END]), how);
    assert.equal(readFileSync(join(dir, 'mine'), 'utf8'), 'mine');
    assert.deepEqual([r.result?.error, r.sumMatches], [EEXIST, false]);
  }
});

function mtime(path: string): { mtime: number; mtimeNsec: number } {
  const { mtimeNs } = statSync(path, { bigint: true });
  return { mtime: Number(mtimeNs / 1_000_000_000n), mtimeNsec: Number(mtimeNs % 1_000_000_000n) };
}
