// SPDX-License-Identifier: MIT
// Ours against the original programs, in both directions, with theirs against theirs as the oracle. Opt-in: docs/ORIGINALS.md.

import assert from 'node:assert/strict';
import { lstatSync, mkdirSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { decodeHeader, HEADER_SIZE, Header } from '../../src/qfile/index.ts';
import { scratch } from '../helpers/places.ts';
import { type Carried, carry, needsBoth, PAIRS, RECEIVERS, SENDERS } from './originals.ts';
import { listing, makeTree, untimed } from './trees.ts';
import { unpack } from './wire.ts';

interface Desk {
  from: string;
  /** A fresh folder to receive in. */
  fresh(): string;
}

function desk(t: { after(fn: () => void): void }): Desk {
  const top = scratch(t, 'originals');
  const from = join(top, 'from');
  mkdirSync(from);
  let n = 0;
  return {
    from,
    fresh() {
      const dir = join(top, `in${n++}`);
      mkdirSync(dir);
      return dir;
    },
  };
}

/** The items of a stream, as text: name, header without atime (reading changes it), length and end of the data. */
function itemsOf(stream: Buffer): string[] {
  const items: string[] = [];
  const header = new Header();
  for (let at = 0; at < stream.length; ) {
    decodeHeader(new DataView(stream.buffer, stream.byteOffset + at), 0, header);
    const name = stream.subarray(at + HEADER_SIZE, at + HEADER_SIZE + header.namelen).toString('latin1');
    const { atime: _, atimeNsec: __, ...rest } = header;
    items.push(`${name} ${Object.values(rest).join(' ')}`);
    at += HEADER_SIZE + header.namelen + header.filelen;
  }
  return items.sort();
}

test(
  'a tree of everything, four ways: the same items, trees, answers and exit codes',
  needsBoth,
  async (t) => {
    const d = desk(t);
    makeTree(d.from);
    const odd = join(d.from, 'tree');
    for (const [name, time] of [
      ['1969', -1],
      ['1901', -(2 ** 31)],
      ['2106', 2 ** 32 - 1],
      ['2107', 2 ** 32 + 7],
    ] as const) {
      writeFileSync(join(odd, name), name);
      utimesSync(join(odd, name), time, time);
    }
    writeFileSync(join(odd, 'n'.repeat(255)), 'long');
    symlinkSync('./deep//er/f', join(odd, 'roundabout'));
    symlinkSync('.', join(odd, 'self'));
    const sent = listing(d.from);
    const runs: Carried[] = [];
    const trees: string[][] = [];
    for (const [sender, receiver] of PAIRS) {
      const dir = d.fresh();
      const how = {
        sender: [...SENDERS[sender], 'tree'],
        receiver: [...RECEIVERS[receiver], '', dir],
        cwd: d.from,
      };
      const r = await carry(how);
      assert.deepEqual([r.sender, r.receiver], [0, 0], `${sender} to ${receiver}: ${r.stderr}`);
      runs.push(r);
      trees.push(listing(dir));
      // The recorded stream to the other receiver: the same answer, byte for byte.
      for (const again of [RECEIVERS.ours, RECEIVERS.theirs]) {
        const to = d.fresh();
        const u = await unpack(to, r.stream, { receiver: again });
        assert.equal(u.answer.toString('hex'), r.answer.toString('hex'));
        assert.deepEqual(listing(to), listing(dir));
      }
    }
    const [oracle] = runs;
    assert.ok(oracle !== undefined && oracle.stream.length > 9_000_000);
    for (const [i, r] of runs.entries()) {
      assert.deepEqual(itemsOf(r.stream), itemsOf(oracle.stream), `items of ${PAIRS[i]?.join(' to ')}`);
      assert.deepEqual(trees[i], trees[0], `tree of ${PAIRS[i]?.join(' to ')}`);
    }
    // Times before 1970 and after 2106 do not fit into the stream.
    const fits = (line: string): boolean => !/^\/tree\/(pipe|1969|1901|2107) /.test(line);
    assert.deepEqual(trees[0]?.filter(fits), sent.filter(fits));
  },
);

test('refused by the receiver: senders and receivers end alike', needsBoth, async (t) => {
  const d = desk(t);
  mkdirSync(join(d.from, 'a'));
  for (const name of ['a/f', 'taken', 'bad\x07']) writeFileSync(join(d.from, name), name);
  symlinkSync('../x', join(d.from, 'a/out'));
  symlinkSync('a', join(d.from, 'top'));
  for (const args of [
    ['taken'],
    ['a'],
    ['--ignore-symlinks', 'a', 'top'],
    ['top'],
    ['bad\x07'],
    ['none'],
    [''],
    [],
    ['--', '--none'],
    ['./a/f'],
    ['a/f', 'a/f'],
    [join(d.from, 'a/f')],
  ]) {
    const ends: object[] = [];
    for (const [sender, receiver] of PAIRS) {
      const dir = d.fresh();
      writeFileSync(join(dir, 'taken'), 'was here');
      utimesSync(join(dir, 'taken'), 1, 1);
      const how = {
        sender: [...SENDERS[sender], ...args],
        receiver: [...RECEIVERS[receiver], '', dir],
        cwd: d.from,
      };
      const r = await carry(how);
      ends.push({
        sender: r.sender,
        receiver: r.receiver,
        // Without the sum: it is over the time of the last reading, too.
        answer: r.answer.fill(0, 8, 12).toString('latin1'),
        tree: untimed(dir),
      });
    }
    for (const end of ends) assert.deepEqual(end, ends[0], args.join(' '));
  }
});

test('what senders make of answers: whole, cut, wrong', needsBoth, async (t) => {
  const d = desk(t);
  writeFileSync(join(d.from, 'f'), 'hello');
  const whole = await carry({
    sender: [...SENDERS.theirs, 'f'],
    receiver: [...RECEIVERS.theirs, '', d.fresh()],
    cwd: d.from,
  });
  const well = whole.answer;
  assert.equal(whole.sender, 0);
  const put = (at: number, value: number): Buffer => {
    const changed = Buffer.from(well);
    changed.writeUInt32LE(value, at);
    return changed;
  };
  const answers: readonly (readonly [string, Buffer])[] = [
    ['well', well],
    ['old: 16 bytes', well.subarray(0, 16)],
    ['cut at 10', well.subarray(0, 10)],
    ['cut in the length of the name', well.subarray(0, 18)],
    ['cut in the name', well.subarray(0, 20)],
    ['nothing', Buffer.alloc(0)],
    ['a wrong sum', put(8, 1)],
    ['a sum over 32 bits', put(12, 1)],
    ['something in the padding', put(4, 1)],
    ['a name of 2^32 - 1 bytes', put(16, 0xffff_ffff)],
    ...[1, 17, 22, 28, 84, 122, 31_415_926, 0xffff_ffff].map((e) => [`error ${e}`, put(0, e)] as const),
  ];
  const atime = lstatSync(join(d.from, 'f')).atime;
  for (const [what, answer] of answers) {
    const codes: (number | string)[] = [];
    for (const sender of [SENDERS.ours, SENDERS.theirs]) {
      // The sum is over the time of the last reading, too.
      utimesSync(join(d.from, 'f'), atime, lstatSync(join(d.from, 'f')).mtime);
      const receiver = [
        '/bin/sh',
        '-c',
        `head -c ${whole.stream.length} > /dev/null; printf %b "$1"`,
        'sh',
        octal(answer),
      ];
      codes.push((await carry({ sender: [...sender, 'f'], receiver, cwd: d.from })).sender);
    }
    assert.equal(codes[0], codes[1], what);
  }
});

const octal = (bytes: Buffer): string =>
  [...bytes].map((b) => `\\0${b.toString(8).padStart(3, '0')}`).join('');
