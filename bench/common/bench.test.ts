// SPDX-License-Identifier: MIT
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { test } from 'node:test';
import { Cleanup } from './cleanup.ts';
import { Meter, parseParent, parsePeak, parseSchedstat, processTree, treeOf } from './cpu.ts';
import { least, median, random, ratio } from './stats.ts';
import { atMost, figure, table, times } from './table.ts';

test('schedstat: the first of three numbers; anything else is refused', () => {
  assert.equal(parseSchedstat('71699 57039 2\n'), 71699);
  assert.equal(parseSchedstat('0 0 0\n'), 0);
  assert.equal(parseSchedstat(''), undefined);
  assert.equal(parseSchedstat('1 2\n'), undefined);
  assert.equal(parseSchedstat('-1 2 3\n'), undefined);
});

test('the parent is found behind a name that looks like a stat line', () => {
  assert.equal(parseParent('12 (cat) S 7 12 7 0'), 7);
  assert.equal(parseParent('12 (a) R 1 (b) S 9 12 7 0'), 9);
  assert.equal(parseParent(''), undefined);
});

test('peak memory is VmHWM, 0 without one', () => {
  assert.equal(parsePeak('Name:\tx\nVmPeak:\t  99 kB\nVmHWM:\t    2048 kB\nVmRSS:\t 1 kB\n'), 2048);
  assert.equal(parsePeak('Name:\tkthreadd\n'), 0);
});

test('a tree holds the children of children and nobody else', () => {
  const parents = new Map([
    [2, 1],
    [3, 2],
    [4, 3],
    [5, 1],
    [6, 3],
  ]);
  assert.deepEqual(treeOf(2, parents), [2, 3, 4, 6]);
  assert.deepEqual(treeOf(9, parents), [9]);
});

test('the meter counts the work of a grandchild', async (t) => {
  const child = spawn('sh', ['-c', 'i=0; while [ $i -lt 200000 ]; do i=$((i+1)); done; sleep 60; :'], {
    stdio: 'ignore',
    detached: true,
  });
  t.after(() => process.kill(-(child.pid as number), 'SIGKILL'));
  await once(child, 'spawn');
  const meter = new Meter(child.pid as number);
  // The shell works, then starts sleep(1): only then is all its work done.
  for (let i = 0; i < 500 && processTree(child.pid as number).length < 2; i++)
    await new Promise((r) => setTimeout(r, 20));
  assert.equal(processTree(child.pid as number).length, 2);
  const ns = meter.cpu();
  assert.ok(ns > 1e6, `${ns} ns for 200,000 turns of a shell loop`);
  assert.ok(meter.cpu() >= ns);
  assert.ok(meter.peak() > 0.1);
});

test('median, least, ratio', () => {
  assert.equal(median([3, 1, 2]), 2);
  assert.equal(median([10, 9, 1, 2]), 5.5);
  assert.equal(median([]), undefined);
  assert.equal(least([undefined, 4, 3]), 3);
  assert.equal(least([undefined]), undefined);
  assert.equal(ratio(1, 4), 0.25);
  assert.equal(ratio(1, 0), undefined);
  assert.equal(ratio(undefined, 2), undefined);
});

test('random numbers are the same for the same seed, spread over [0, 1)', () => {
  const a = random(7);
  const b = random(7);
  const many = Array.from({ length: 1000 }, () => a());
  assert.deepEqual(
    many,
    Array.from({ length: 1000 }, () => b()),
  );
  assert.ok(many.every((x) => x >= 0 && x < 1));
  const mean = many.reduce((s, x) => s + x, 0) / many.length;
  assert.ok(Math.abs(mean - 0.5) < 0.05, String(mean));
});

test('a table lines up, and a bar inside a cell is escaped', () => {
  assert.equal(
    table(['row', 'µs'], [['getattr', '4.50'], ['a|b', '12'], ['short']]),
    [
      '| row     |   µs |',
      '|---------|-----:|',
      '| getattr | 4.50 |',
      '| a\\|b    |   12 |',
      '| short   |      |',
    ].join('\n'),
  );
});

test('figures have as many digits as they are worth', () => {
  assert.deepEqual([0.2234, 4.567, 12.345, 123.4, 1800.6, undefined].map(figure), [
    '0.22',
    '4.57',
    '12.3',
    '123',
    '1801',
    '–',
  ]);
  assert.equal(times(0.724), '0.72×');
  assert.equal(times(undefined), '–');
  assert.equal(atMost(4.5), '≤ 4.5');
  assert.equal(atMost(undefined), '–');
});

test('clean-up runs in reverse, once, and past a step that fails', (t) => {
  const said = t.mock.method(process.stderr, 'write', () => true);
  const done: string[] = [];
  const c = new Cleanup();
  c.add('a', () => done.push('a'));
  c.add('b', () => {
    throw new Error('stuck');
  });
  const undoC = c.add('c', () => done.push('c'));
  c.add('d', () => done.push('d'));
  undoC();
  undoC();
  c.run();
  c.run();
  said.mock.restore();
  assert.deepEqual(done, ['c', 'd', 'a']);
  assert.match(String(said.mock.calls[0]?.arguments[0]), /clean-up: b: stuck/);
  assert.equal(said.mock.callCount(), 1);
});
