// SPDX-License-Identifier: MIT
// What a hostile or broken sender can say, and what the receiver makes of it: the original's code, nothing outside touched, nothing half-made.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import {
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import * as E from '../../src/base/errno.ts';
import { scratch } from '../helpers/places.ts';
import { ROWS, streamOf } from './bad-streams.ts';
import { unpackHere } from './engine.ts';
import { DIR, END, item, LNK, REG, unpack } from './wire.ts';

/** A folder to receive into, with a canary beside it. */
function place(t: { after(fn: () => void): void }): { dir: string; outside: string; untouched: () => void } {
  const top = scratch(t, 'unpack');
  const dir = join(top, 'in');
  const outside = join(top, 'outside');
  mkdirSync(dir);
  mkdirSync(outside);
  writeFileSync(join(outside, 'canary'), 'sings');
  const untouched = (): void => {
    assert.deepEqual(readdirSync(top).sort(), ['in', 'outside']);
    assert.deepEqual(readdirSync(outside), ['canary']);
    assert.equal(readFileSync(join(outside, 'canary'), 'utf8'), 'sings');
  };
  return { dir, outside, untouched };
}

for (const row of ROWS) {
  const [what, , error, lastName, there = []] = row;
  test(`refused: ${what}`, (t) => {
    const { dir, untouched } = place(t);
    const result = unpackHere(dir, streamOf(row), `${dir}/../stream`);
    assert.equal(result?.error, error);
    if (lastName !== undefined) assert.equal(Buffer.from(result?.lastName ?? []).toString(), lastName);
    assert.deepEqual(readdirSync(dir).sort(), there);
    untouched();
  });
}

test('the program ends with the low byte of what it told', async (t) => {
  // One row of each error, by the program itself.
  const rows = new Map(ROWS.map((row) => [row[2], row]));
  assert.ok(rows.size >= 8);
  for (const row of rows.values()) {
    const { dir, untouched } = place(t);
    const r = await unpack(dir, streamOf(row));
    assert.equal(r.result?.error, row[2], r.stderr);
    assert.equal(r.code, row[2] & 0xff, row[0]);
    assert.deepEqual(readdirSync(dir).sort(), row[4] ?? []);
    untouched();
  }
});

test('written through a link that the same sender made: refused', async (t) => {
  const { dir, untouched } = place(t);
  const stream = [
    item('d', DIR),
    item('d/real', DIR),
    item('d/l', LNK, 'real'),
    item('d/l/x', REG, 'x'),
    END,
  ];
  const r = await unpack(dir, Buffer.concat(stream));
  assert.equal(r.result?.error, E.ENOTDIR);
  assert.equal(Buffer.from(r.result?.lastName ?? []).toString(), 'l');
  assert.deepEqual(readdirSync(join(dir, 'd/real')), []);
  untouched();
});

test('times beyond a second: the transfer ends with 1 and no result, and the file never appears', async (t) => {
  for (const field of ['atimeNsec', 'mtimeNsec'] as const) {
    const { dir, untouched } = place(t);
    for (const mode of [REG, DIR]) {
      const r = await unpack(dir, Buffer.concat([item('a', mode, '', { [field]: 1_000_000_000 }), END]));
      assert.equal(r.code, 1);
      assert.equal(r.result, undefined);
      assert.match(r.stderr, /times are impossible/);
      assert.deepEqual(readdirSync(dir), []);
    }
    untouched();
  }
});

test('setuid, setgid and sticky bits are dropped; all others are kept', async (t) => {
  const { dir } = place(t);
  const stream = [
    item('s', 0o104755, 'x'),
    item('g', 0o102711),
    item('d', 0o41777),
    item('d', 0o41777),
    item('o', 0o100000),
    END,
  ];
  const r = await unpack(dir, Buffer.concat(stream));
  assert.equal(r.code, 0, r.stderr);
  const mode = (name: string): number => statSync(join(dir, name)).mode & 0o7777;
  assert.deepEqual(['s', 'g', 'd', 'o'].map(mode), [0o755, 0o711, 0o777, 0]);
});

test('a folder swapped for a link between two headers; one that was moved away', async (t) => {
  for (const swap of ['link', 'move'] as const) {
    const { dir, outside } = place(t);
    const r = await unpack(dir, Buffer.concat([item('d/b', REG, 'b'), END]), {
      meanwhile: async (_child, send) => {
        await send(Buffer.concat([item('d', DIR), item('d/a', REG, 'a')]));
        for (let i = 0; i < 3000 && !existsSync(join(dir, 'd/a')); i++) await sleep(10);
        renameSync(join(dir, 'd'), join(outside, 'gone'));
        if (swap === 'link') symlinkSync(outside, join(dir, 'd'));
      },
    });
    assert.equal(r.result?.error, swap === 'link' ? E.ENOTDIR : E.ENOENT);
    assert.deepEqual(readdirSync(join(outside, 'gone')), ['a'], 'nothing came after it was moved');
    assert.deepEqual(readdirSync(outside).sort(), ['canary', 'gone']);
  }
});

test('an existing file stays as it was; so does an existing link, and what it points to', async (t) => {
  const { dir, outside, untouched } = place(t);
  writeFileSync(join(dir, 'mine'), 'mine');
  symlinkSync(join(outside, 'canary'), join(dir, 'l'));
  for (const name of ['mine', 'l'])
    for (const size of [4, 3_000_000]) {
      const r = await unpack(dir, Buffer.concat([item(name, REG, 'x'.repeat(size)), END]));
      assert.equal(r.result?.error, E.EEXIST);
    }
  assert.equal(readFileSync(join(dir, 'mine'), 'utf8'), 'mine');
  assert.ok(lstatSync(join(dir, 'l')).isSymbolicLink());
  untouched();
});

test('limits: bytes, files, and a sender that never ends', async (t) => {
  const { dir } = place(t);
  const two = Buffer.concat([item('a', REG, 'xxxxx'), item('b', REG, 'yyyyy'), END]);
  const bytes = await unpack(dir, two, { env: { NINEFOLD_MAX_BYTES: '9' } });
  assert.equal(bytes.result?.error, E.EDQUOT);
  assert.deepEqual(readdirSync(dir), ['a']);
  rmSync(join(dir, 'a'));
  const files = await unpack(dir, two, { env: { NINEFOLD_MAX_FILES: '1' } });
  assert.equal(files.result?.error, E.EDQUOT);
  assert.deepEqual(readdirSync(dir), ['a']);
  const silent = await unpack(dir, END, {
    env: { NINEFOLD_IDLE_TIMEOUT: '1' },
    meanwhile: async (child, send) => {
      await send(item('half', REG, 'x'.repeat(50), { filelen: 100 }));
      await new Promise((resolve) => child.once('exit', resolve));
    },
  });
  assert.equal(silent.result?.error, E.ETIMEDOUT);
  assert.deepEqual(readdirSync(dir), ['a']);
});

test('who waits for space waits no longer than the sender does', async (t) => {
  const { dir } = place(t);
  const r = await unpack(dir, END, {
    args: ['-w', '1'],
    async meanwhile(child, send) {
      await send(item('f', REG, '', { filelen: 2 ** 50 }));
      await sleep(1000);
      assert.equal(child.exitCode, null, 'it did not wait');
      child.stdout?.destroy();
      // Its standard input stays open, as where another process holds it.
      await once(child, 'exit', { signal: AbortSignal.timeout(20_000) });
    },
  });
  assert.equal(r.code, E.EPIPE);
  assert.deepEqual(readdirSync(dir), []);
});

test('killed in the middle: no name is left', async (t) => {
  const { dir } = place(t);
  const r = await unpack(dir, Buffer.alloc(0), {
    meanwhile: async (child, send) => {
      await send(
        Buffer.concat([item('whole', REG, 'x'), item('half', REG, 'x'.repeat(50_000), { filelen: 100_000 })]),
      );
      for (let i = 0; i < 3000 && !existsSync(join(dir, 'whole')); i++) await sleep(10);
      child.kill('SIGKILL');
    },
  });
  assert.equal(r.code, 'SIGKILL');
  assert.deepEqual(readdirSync(dir), ['whole']);
});

test('all names are taken when that is asked for, but never a way out', async (t) => {
  const { dir, untouched } = place(t);
  const odd = Buffer.from([0x80, 0xff, 0x0a]);
  const r = await unpack(dir, Buffer.concat([item(odd, REG, 'x'), item('a\u202e', REG), END]), {
    args: ['--allow-all-names'],
  });
  assert.equal(r.code, 0, r.stderr);
  assert.equal(readdirSync(dir).length, 2);
  for (const name of ['../x', '/x', '..', 'a\0b'])
    assert.equal(
      (await unpack(dir, Buffer.concat([item(name, REG), END]), { args: ['--allow-all-names'] })).result
        ?.error,
      E.EILSEQ,
    );
  untouched();
});

test('a well-formed stream: the checksum is that of every byte', async (t) => {
  const { dir } = place(t);
  const r = await unpack(
    dir,
    Buffer.concat([item('d', DIR), item('d/f', REG, 'hello'), item('d', DIR), END]),
  );
  assert.equal(r.code, 0, r.stderr);
  assert.ok(r.sumMatches);
  assert.equal(Buffer.from(r.result?.lastName ?? []).toString(), 'd');
  const s = statSync(join(dir, 'd/f'));
  assert.equal(s.mtimeMs, 1_600_000_000_000);
  assert.equal(statSync(join(dir, 'd')).mtimeMs, 1_600_000_000_000);
});

test('folders out of order: each gets the mode and times of its last header', (t) => {
  const { dir } = place(t);
  const at = (mode: number, mtime: number): [number, string, object] => [0o40000 | mode, '', { mtime }];
  const stream = [
    item('d', ...at(0o700, 1)),
    item('e', ...at(0o700, 2)),
    item('e/f', ...at(0o700, 3)),
    // Not the one that is open, nor one above it.
    item('d', ...at(0o751, 4)),
    item('e/f', ...at(0o711, 5)),
    item('e', ...at(0o555, 6)),
    // A third and a fourth time.
    item('d', ...at(0o744, 7)),
    item('e', ...at(0o500, 8)),
    END,
  ];
  assert.equal(unpackHere(dir, Buffer.concat(stream), `${dir}/../stream`)?.error, 0);
  const seen = (name: string): [number, number] => {
    const s = statSync(join(dir, name));
    return [s.mode & 0o777, s.mtimeMs / 1000];
  };
  assert.deepEqual(['d', 'e', 'e/f'].map(seen), [
    [0o744, 7],
    [0o500, 8],
    [0o711, 5],
  ]);
});
