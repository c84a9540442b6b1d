// SPDX-License-Identifier: MIT
// One receiver against the other: every refusal, every character, and streams of chance. Opt-in: docs/ORIGINALS.md.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { checkName, encodeResult, UNPACKER_RULES } from '../../src/qfile/index.ts';
import { scratch } from '../helpers/places.ts';
import { createRandom } from '../helpers/random.ts';
import { ROWS, streamOf } from './bad-streams.ts';
import { unpackHere } from './engine.ts';
import { needsUnpacker, RECEIVERS } from './originals.ts';
import { untimed } from './trees.ts';
import { DIR, END, item, LNK, REG, unpack } from './wire.ts';

interface Seen {
  /** The low byte of the error, or 1 where none was told. */
  code: number | null;
  answer: string;
  tree: string[];
}

/** Receives a stream with either, in a folder of that name; the program of ours is too slow to start so often. */
class Both {
  private readonly dir: string;
  private readonly beside: string;

  constructor(t: { after(fn: () => void): void }) {
    const top = scratch(t, 'receivers');
    this.dir = join(top, 'in');
    this.beside = join(top, 'stream');
  }

  ours(stream: Uint8Array, all = false): Seen {
    return this.look(() => {
      const rules = all ? { ...UNPACKER_RULES, unsafeCharacters: true } : UNPACKER_RULES;
      const result = unpackHere(this.dir, stream, this.beside, rules);
      const answer = result === undefined ? '' : Buffer.from(encodeResult(result)).toString('latin1');
      return { code: result === undefined ? 1 : result.error & 0xff, answer };
    });
  }

  theirs(stream: Uint8Array, all = false): Seen {
    return this.look(() => {
      const [command = '', ...args] = RECEIVERS.theirs;
      const options = all ? ['--allow-all-names'] : [];
      const r = spawnSync(command, [...args, ...options, '', this.dir], { input: stream, timeout: 30_000 });
      return { code: r.status, answer: r.stdout.toString('latin1') };
    });
  }

  private look(receive: () => { code: number | null; answer: string }): Seen {
    mkdirSync(this.dir);
    writeFileSync(join(this.dir, 'mine'), 'mine');
    utimesSync(join(this.dir, 'mine'), 1, 1);
    try {
      return { ...receive(), tree: untimed(this.dir) };
    } finally {
      rmSync(this.dir, { recursive: true });
    }
  }
}

const EILSEQ_NEGATIVE = '\xac\xff\xff\xff';
const EILSEQ_BYTES = '\x54\0\0\0';

/** The original answers a folder's bad name with the negative of its error; ours with the error. Meant: docs/ARCHITECTURE.md. */
function positive(seen: Seen): Seen {
  if (!seen.answer.startsWith(EILSEQ_NEGATIVE)) return seen;
  assert.equal(seen.code, 0xac);
  return { ...seen, code: 84, answer: EILSEQ_BYTES + seen.answer.slice(4) };
}

/** Refused by us on purpose where the original cuts the name at the NUL, or waits for 2^53 bytes. */
const STRICTER = ['a NUL inside', 'a length of 2^53'];

test('each refusal: the same answer, exit code and remains', needsUnpacker, (t) => {
  const both = new Both(t);
  for (const row of ROWS) {
    const [ours, theirs] = [both.ours(streamOf(row)), positive(both.theirs(streamOf(row)))];
    if (STRICTER.includes(row[0])) assert.notDeepEqual(ours.answer, theirs.answer, row[0]);
    else assert.deepEqual(ours, theirs, row[0]);
  }
  const taken = Buffer.concat([item('mine', REG, 'x'), END]);
  assert.deepEqual(both.ours(taken), both.theirs(taken));
});

test('times beyond a second: nothing is answered, and the exit code is 1', needsUnpacker, async (t) => {
  for (const mode of [REG, DIR]) {
    const bad = item('a', mode, '', { mtimeNsec: 1_000_000_000 });
    // The original makes a folder when it comes first, and looks at its times when it comes again.
    const stream = Buffer.concat([item('a', DIR), bad, END]);
    for (const [whose, receiver] of Object.entries(RECEIVERS)) {
      const dir = scratch(t, 'times');
      const r = await unpack(dir, mode === REG ? Buffer.concat([bad, END]) : stream, { receiver });
      assert.deepEqual([r.code, r.answer.length], [1, 0], whose);
    }
  }
});

test(
  'every character: what ours takes theirs takes, what ours refuses theirs refuses',
  needsUnpacker,
  (t) => {
    const both = new Both(t);
    const taken: string[] = [];
    const edges: number[] = [];
    let last: boolean | undefined;
    for (let c = 1; c < 0x11_0000; c++) {
      // Not characters: UTF-8 has no bytes for them.
      if (c >= 0xd800 && c < 0xe000) continue;
      const bytes = Buffer.from(`a${String.fromCodePoint(c)}a`);
      const takes = c === 0x2f || checkName(bytes, 0, bytes.length, UNPACKER_RULES) > 0;
      if (takes && c !== 0x2f) taken.push(String.fromCodePoint(c));
      if (last !== undefined && takes !== last) edges.push(takes ? c - 1 : c);
      last = takes;
    }
    assert.ok(taken.length > 100_000 && edges.length > 300, `${taken.length} taken, ${edges.length} edges`);
    const items: Buffer[] = [];
    for (let i = 0; i < taken.length; i += 60) items.push(item(`n${taken.slice(i, i + 60).join('')}`, REG));
    const all = both.theirs(Buffer.concat([...items, END]));
    assert.equal(all.code, 0, all.answer);
    assert.equal(all.tree.length, items.length + 1);
    for (const c of new Set(edges)) {
      const r = both.theirs(Buffer.concat([item(`a${String.fromCodePoint(c)}a`, REG), END]));
      assert.equal(r.code, 84, `U+${c.toString(16)}`);
    }
  },
);

const PIECES = [
  'a',
  'b',
  'd',
  'd',
  'é',
  '漢',
  ' ',
  '-',
  '~',
  '.',
  '..',
  '',
  '\x07',
  '\x7f',
  '\u202e',
  '\u0301',
  '...',
  '.h',
];

test('streams of chance: the same answers and remains', needsUnpacker, (t) => {
  const both = new Both(t);
  const errors = new Map<string, number>();
  for (let seed = 1; seed <= 200; seed++) {
    const random = createRandom(seed);
    const next = (): number => random(1 << 20) / (1 << 20);
    const pick = <T>(from: readonly T[]): T => from[Math.floor(next() * from.length)] as T;
    // Mostly plain, or nothing would come after the first item.
    const piece = (): string => (next() < 0.9 ? pick(['a', 'b', 'd']) : pick(PIECES));
    const path = (most: number): string =>
      Array.from({ length: 1 + Math.floor(next() * most) }, piece).join('/');
    const items: Buffer[] = [item('d', DIR), item('d/d', DIR)];
    for (let i = 0; i < 8; i++) {
      const kind = next();
      const mode = Math.floor(next() * 0o1000);
      const under = next() < 0.7 ? `d/${path(3)}` : path(4);
      if (kind < 0.4) items.push(item(under, 0o100000 | mode, 'x'.repeat(Math.floor(next() * 50))));
      else if (kind < 0.7) items.push(item(under, 0o40000 | mode));
      else if (kind < 0.97) items.push(item(`d/d/${path(2)}`, LNK, next() < 0.3 ? `../${path(2)}` : path(3)));
      else items.push(item(path(2), Math.floor(next() * 0x10000)));
    }
    const whole = Buffer.concat([...items, item('d', DIR), END]);
    const stream = next() < 0.1 ? whole.subarray(0, Math.floor(next() * whole.length)) : whole;
    const all = next() < 0.2;
    const [ours, theirs] = [both.ours(stream, all), positive(both.theirs(stream, all))];
    assert.deepEqual(ours, theirs, `seed ${seed}`);
    errors.set(`${ours.code}`, (errors.get(`${ours.code}`) ?? 0) + 1);
  }
  assert.ok(errors.size >= 6, `the streams end in many ways: ${JSON.stringify([...errors])}`);
});
