// SPDX-License-Identifier: MIT
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { benchArgs, chosen, wanted } from './args.ts';
import { renderAsk } from './ask/render.ts';
import { median, random } from './common/stats.ts';
import { BINDFS, LOCAL, OURS as OUR_MOUNT, SSHFS } from './mount/peers.ts';
import { isMounted } from './mount/point.ts';
import { renderMount, renderMountCpu } from './mount/render.ts';
import { SCENARIOS } from './mount/rows.ts';
import { sourceSize } from './mount/tree.ts';
import { type Part, withSection } from './page.ts';
import { DIOD, OURS } from './server/peers.ts';
import { renderServer } from './server/render.ts';
import { SERVER_ROWS } from './server/rows.ts';

const WHERE = { command: 'npm run bench', machine: 'some machine', date: '2024-05-06' };
const part = (key: string, table: string): Part => ({
  key,
  title: `Part ${key}`,
  text: 'How.',
  table,
  versions: ['x 1'],
  missing: ['y is not here'],
});

test('a part of the page is replaced in place, and the other keeps its place and figures', () => {
  let page = withSection(undefined, part('a', 'OLD'), WHERE);
  page = withSection(page, part('b', 'OTHER'), WHERE);
  const again = withSection(page, part('a', 'NEW'), { ...WHERE, date: '2025-01-01' });
  assert.ok(page.includes('OLD') && !again.includes('OLD'));
  assert.equal(again, page.replace('OLD', 'NEW').replace('2024-05-06', '2025-01-01'));
  assert.match(again, /^# Benchmarks\n[\s\S]*NEW[\s\S]*OTHER/);
  assert.match(again, /`npm run bench`, 2025-01-01, some machine\. x 1\.\n\ny is not here\.\n/);
});

test('arguments: parts, rounds, and what makes no sense', () => {
  const all = benchArgs([]);
  assert.deepEqual(
    [all.server, all.mount, all.rounds, all.row, all.quick],
    [true, true, undefined, '', false],
  );
  const one = benchArgs(['--only', 'server', '--rounds', '7', '--row', 'walk', '--quick']);
  assert.deepEqual([one.server, one.mount, one.rounds, one.row, one.quick], [true, false, 7, 'walk', true]);
  for (const wrong of [['--only', 'x'], ['--rounds', '0'], ['--rounds', '1e3'], ['--nothing'], ['word']])
    assert.throws(() => benchArgs(wrong), TypeError, wrong.join(' '));
});

test('--peers keeps the systems that it names, with their variants', () => {
  assert.deepEqual(benchArgs(['--peers', 'ninefold,sshfs']).peers, ['ninefold', 'sshfs']);
  const names = ['ninefold', 'local', 'sshfs', 'sshfs dir_cache=no'];
  assert.deepEqual(
    names.filter((n) => chosen(n, ['sshfs', 'local'])),
    ['local', 'sshfs', 'sshfs dir_cache=no'],
  );
  assert.deepEqual(
    names.filter((n) => chosen(n, [])),
    names,
  );
});

test('a row is meant by its key or by words of its title; no two share a key', () => {
  const row = { key: 'read-4k', title: 'read 4 KiB at random' };
  assert.ok(wanted(row, 'READ 4') && wanted(row, '-4k') && wanted(row, ''));
  assert.ok(!wanted(row, 'write'));
  const keys = [...SERVER_ROWS, ...SCENARIOS.flatMap((s) => s.steps)].map((r) => r.key);
  assert.equal(new Set(keys).size, keys.length);
});

test('the server table: medians, the ratio, the goals met or not, and what a server cannot', () => {
  const rows = SERVER_ROWS.filter((r) => r.key === 'walk' || r.key === 'unlinkat');
  const results = {
    rows: new Map([
      [
        'walk',
        new Map([
          ['ninefold', { cpu: [9, 3, 4], wall: [8] }],
          ['diod', { cpu: [8], wall: [20] }],
        ]),
      ],
      [
        'unlinkat',
        new Map([
          ['ninefold', { cpu: [9], wall: [10] }],
          ['diod', { cpu: [], wall: [], none: 'not supported' }],
        ]),
      ],
    ]),
    start: new Map([
      ['ninefold', [100, 200, 110]],
      ['diod', [4]],
    ]),
    quiet: new Map([
      ['ninefold', [500, 400, 700]],
      ['diod', [0]],
    ]),
    peak: new Map([
      ['ninefold', [60, 90]],
      ['diod', [5]],
    ]),
  };
  const lines = renderServer(results, rows, [OURS, DIOD])
    .split('\n')
    .map((l) => l.replace(/ +/g, ' '));
  assert.equal(
    lines[0],
    '| workload | ninefold | diod | ninefold/diod | goal, of diod | goal | wall, ninefold | wall, diod |',
  );
  assert.deepEqual(lines.slice(2), [
    '| start to first reply, ms | 110 | 4.00 | 27.50× | | ≤ 150 ✓ | | |',
    '| CPU in the second after the attach, ms | 500 | 0.00 | – | | | | |',
    '| walk of 2 names + clunk | 4.00 | 8.00 | 0.50× | ≤ 0.67× ✓ | ≤ 4.5 ✓ | 8.00 | 20.0 |',
    '| unlinkat | 9.00 | not supported | – | | ≤ 8 ✗ | 10.0 | |',
    '| memory, peak, MiB | 90.0 | 5.00 | 18.00× | | ≤ 80 ✗ | | |',
  ]);
  assert.match(renderServer(results, rows, [DIOD]), /^\| workload +\| +diod \| +goal \| wall, diod \|\n/);
});

test('the mount table: against the better sshfs, bindfs only on first-time rows', () => {
  const steps = SCENARIOS.flatMap((s) => s.steps).filter((s) => s.key.startsWith('find'));
  const figures = (ours: number, bindfs: number, sshfs: number, uncached: number) =>
    new Map([
      [OUR_MOUNT.name, { ms: [ours], cpu: [7] }],
      [LOCAL.name, { ms: [10], cpu: [7] }],
      [BINDFS.name, { ms: [bindfs], cpu: [7] }],
      [(SSHFS[0] as { name: string }).name, { ms: [sshfs], cpu: [7] }],
      [(SSHFS[1] as { name: string }).name, { ms: [uncached], cpu: [7] }],
    ]);
  const results = new Map([
    ['find-first', figures(100, 50, 400, 200)],
    ['find-again', figures(30, 10, 20, 60)],
  ]);
  const lines = renderMount(results, steps, [OUR_MOUNT, LOCAL, BINDFS, ...SSHFS])
    .split('\n')
    .map((l) => l.replace(/ +/g, ' '));
  assert.deepEqual(lines.slice(2), [
    '| `find -ls`, first | 100 | 10.0 | 50.0 | 400 | 200 | 0.50× ✓ | 2.00× ✗ | 10.00× |',
    '| `find -ls`, again | 30.0 | 10.0 | 10.0 | 20.0 | 60.0 | 1.50× ✗ | 3.00× | 3.00× |',
  ]);
  const cpu = renderMountCpu(results, steps, [OUR_MOUNT, LOCAL, BINDFS]).replace(/ +/g, ' ');
  assert.match(
    cpu,
    /^\| CPU, ms \| ninefold \| bindfs \|\n[^\n]*\n\| `find -ls`, first \| 7\.00 \| 7\.00 \|\n/,
  );
  const failed = new Map([['find-first', new Map([[LOCAL.name, { ms: [1], cpu: [], failed: 'exit 1' }]])]]);
  assert.match(renderMount(failed, steps.slice(0, 1), [LOCAL]), /\| failed \|$/);
});

test('a mount point is found in mountinfo, also one with a space', () => {
  const info = '36 35 98:0 / /mnt/a\\040b rw - ext4 /dev/x rw\n37 35 0:5 / /mnt/c rw - fuse x rw\n';
  assert.ok(isMounted('/mnt/a b', info));
  assert.ok(isMounted('/mnt/c', info));
  assert.ok(!isMounted('/mnt', info));
});

test('files have the sizes of source code', () => {
  const next = random(3);
  const sizes = Array.from({ length: 5000 }, () => sourceSize(next));
  const mean = sizes.reduce((a, b) => a + b, 0) / sizes.length;
  assert.ok(Math.abs((median(sizes) as number) - 3500) < 350, `median ${median(sizes)}`);
  assert.ok(mean > 6500 && mean < 10_500, `mean ${mean}`);
  assert.ok(Math.max(...sizes) <= 2 ** 20 && Math.min(...sizes) >= 0);
});

test('what asking adds is the difference of the medians, held against its goal', () => {
  const way = (key: string): { key: string; title: string; source: string } => ({
    key,
    title: key,
    source: '',
  });
  const text = renderAsk(
    [way('direct'), way('rule'), way('less'), way('asked')],
    new Map([
      ['direct', [300, 100, 200]],
      ['rule', [260, 250, 140]],
      ['less', [41.4, 42.5, 43]],
      ['asked', [500, 501, 900]],
    ]),
  );
  assert.match(text, /^\| direct +\| +200 \| +300 \| +\|$/m);
  assert.match(text, /^\| rule +\| +250 \| +260 \| +50\.0 ✓ \|$/m);
  assert.match(text, /^\| less +\| +42\.5 \| +43\.0 \| +-158 ✓ \|$/m);
  assert.match(text, /^\| asked +\| +501 \| +900 \| +301 ✗ \|$/m);
});
