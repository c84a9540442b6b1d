// SPDX-License-Identifier: MIT
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { filterHistory, type HistoryFilter, historyMachines } from './history.ts';
import { pageOf } from './history-log.ts';
import { moment } from './manager-words.ts';
import { mountsOf } from './mounts.ts';
import { SessionWatch, statusWords } from './notices.ts';
import { begunOrEnded, sessionsOf } from './sessions.ts';

const same = (text: string): string => text;
const NOW = Date.UTC(2026, 10, 25, 12);
const session = (id: string, more: object = {}): object => ({
  id,
  source: 'work',
  target: 'vault',
  folder: '/home/user',
  access: 'rw',
  rule: '01234567',
  once: false,
  since: new Date(NOW - 7_260_000).toISOString(),
  pid: 1,
  ...more,
});

test('sessions: who, since when, until when, how much; what is none is left out', () => {
  const rows = sessionsOf(
    [
      session('0000000a', { traffic: { read: 1500, written: 0 }, until: new Date(NOW + 1e6).toISOString() }),
      session('0000000b', { once: true, access: 'ro', folder: '/\u202ex\n' }),
      session('../../etc'),
      null,
    ],
    NOW,
    same,
  );
  assert.deepEqual(rows[0], {
    id: '0000000a',
    title: '/home/user',
    access: 'rw',
    details: [
      'mounted by work, from vault',
      `since ${moment(NOW - 7_260_000)} (2 h 1 min)`,
      `ends ${moment(NOW + 1e6)}`,
      '1.5 kB read, 0 B written, says vault',
    ],
  });
  assert.equal(rows[1]?.title, '/\\u{202e}x\\u{a}');
  assert.ok(rows[1]?.details.includes('granted for once'));
  assert.ok(rows[1]?.details.includes('vault does not say how much'));
  assert.equal(rows.length, 2);
});

test('sessions: figures move, what makes none is not shown, and their file is no reason to look at all else', () => {
  const traffic = (t: unknown): string | undefined =>
    sessionsOf([session('0000000a', { traffic: t })], NOW, same)[0]?.details.at(-1);
  assert.equal(traffic({ read: 999, written: 2e9, operations: 3 }), '999 B read, 2.0 GB written, says vault');
  assert.equal(
    traffic({ read: 1000, written: 2e9, operations: 4 }),
    '1.0 kB read, 2.0 GB written, says vault',
  );
  for (const odd of [
    { read: -1, written: 0 },
    { read: 1e300, written: 0 },
    { read: '1', written: 0 },
    { read: 1 },
    7,
  ])
    assert.equal(traffic(odd), 'vault does not say how much', JSON.stringify(odd));
  assert.deepEqual(
    [['0000000a.traffic'], ['0000000a.traffic.new', '0000000a.traffic'], ['0000000a.json'], []].map((names) =>
      begunOrEnded(new Set(names)),
    ),
    [false, false, true, false],
  );
});

const LOG = [
  {
    time: '2026-11-25T10:00:00.000Z',
    event: 'request',
    source: 'work',
    target: 'vault',
    folder: '/a',
    access: 'rw',
  },
  {
    time: '2026-11-25T10:00:01.000Z',
    event: 'decision',
    source: 'work',
    target: 'vault',
    folder: '/a',
    result: 'allow',
    why: 'x\u202ey',
  },
  {
    time: '2026-11-25T10:00:02.000Z',
    event: 'connection',
    source: 'mail',
    target: 'box',
    folder: '/b',
    access: 'ro',
  },
  { time: '2026-11-25T10:00:03.000Z', event: 'flood', source: 'work', count: 1000 },
  { time: '2026-11-25T10:00:04.000Z', event: 'news' },
];
const TEXT = `${LOG.map((l, i) => JSON.stringify({ ...l, id: `f:${i}` })).join('\n')}\n{half\n{"event":"end","id":"f:9"}\n`;

test('history: the latest first, a damaged line left out, filtered by machine, kind, time and words', () => {
  const { rows, damaged } = pageOf(TEXT, same);
  assert.deepEqual(damaged, ['f:9'], 'it has no time');
  assert.deepEqual(
    rows.map((r) => r.kind),
    ['other', 'flood', 'connection', 'decision', 'request'],
  );
  assert.deepEqual(rows[3]?.details, ['allowed', 'x\\u{202e}y']);
  assert.deepEqual(rows[1]?.details, ['1000 times']);
  assert.deepEqual(historyMachines(rows), ['box', 'mail', 'vault', 'work']);
  const kinds = (filter: HistoryFilter): string[] => filterHistory(rows, filter).map((r) => r.kind);
  assert.deepEqual(kinds({ machine: 'vault' }), ['decision', 'request']);
  assert.deepEqual(kinds({ kind: 'connection' }), ['connection']);
  assert.deepEqual(kinds({ from: Date.parse('2026-11-25T10:00:03.000Z') }), ['other', 'flood']);
  assert.deepEqual(kinds({ to: Date.parse('2026-11-25T10:00:00.000Z') }), ['request']);
  assert.deepEqual(kinds({ typed: '/B only' }), ['connection']);
  assert.deepEqual(kinds({ machine: 'work', typed: 'allowed' }), ['decision']);
});

test('notices: of what began and what ended since the last look, never of what was there before', () => {
  const watch = new SessionWatch();
  assert.deepEqual(watch.look([session('0000000a')], same), []);
  const began = watch.look(
    [session('0000000a'), session('0000000b', { access: 'ro', folder: '/<b>' })],
    same,
  );
  assert.deepEqual(began, [
    { id: '0000000b', title: 'work has mounted a folder of vault', body: '/<b>\nread only' },
  ]);
  assert.equal(watch.count, 2);
  assert.deepEqual(watch.look([session('0000000b', { access: 'ro' })], same), [
    { id: '0000000a', title: 'work has let go of a folder of vault', body: '/home/user' },
  ]);
  assert.deepEqual(
    [0, 1, 2].map((n) => statusWords(n, same)),
    ['No folder is shared', 'One folder is shared', '2 folders are shared'],
  );
});

test('mounts: saved or not, mounted, broken', () => {
  const rows = mountsOf(
    [
      {
        name: 'docs',
        source: 'vault:/a',
        mountpoint: '/m/docs',
        state: 'unmounted',
        saved: true,
        login: true,
        readOnly: true,
        options: 'noexec',
      },
      {
        source: 'box:/\u202e',
        mountpoint: '/m/x',
        state: 'disconnected',
        reason: 'gone\n',
        saved: false,
        bytesRead: 1,
        bytesWritten: 2,
      },
      { name: '../x', source: 'a', mountpoint: '/y', state: 'connected' },
      { source: 'z', mountpoint: '/z', state: 'unknown' },
      7,
    ],
    same,
  );
  assert.deepEqual(
    rows.map((r) => [r.id, r.mounted, r.broken, r.login]),
    [
      ['docs', false, false, true],
      ['/m/x', true, true, false],
      ['/y', true, false, false],
    ],
  );
  assert.deepEqual(rows[0]?.details, ['vault:/a', 'on /m/docs', 'not mounted', 'read only']);
  assert.deepEqual(rows[1]?.details, [
    'box:/\\u{202e}',
    'not saved',
    'its server is lost: gone\\u{a}',
    '1 B read, 2 B written',
  ]);
});
