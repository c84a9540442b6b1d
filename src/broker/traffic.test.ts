// SPDX-License-Identifier: MIT
import assert from 'node:assert/strict';
import { Readable } from 'node:stream';
import { test } from 'node:test';
import { decodeAgentCall, encodeAgentCall, wordAsksTraffic } from './agent-call.ts';
import { wordsOf } from './last-words.ts';
import { Flood, LineCutter, TrafficMeter } from './traffic.ts';
import { asksTraffic, askTraffic, formatTraffic, parseTraffic } from './traffic-line.ts';

const line = (read: number, written = 0, operations = 1): string =>
  formatTraffic({ read, written, operations });

test('a line of counters: whole numbers that a program can count with, and nothing else', () => {
  assert.deepEqual(parseTraffic(line(5, 7, 9)), { read: 5, written: 7, operations: 9 });
  for (const odd of [
    '',
    '{"traffic":{',
    '{"traffic":{}}',
    '{"traffic":{"read":1,"written":2}}',
    '{"traffic":{"read":-1,"written":2,"operations":3}}',
    '{"traffic":{"read":1.5,"written":2,"operations":3}}',
    '{"traffic":{"read":"1","written":2,"operations":3}}',
    '{"traffic":{"read":9007199254740993,"written":2,"operations":3}}',
    '{"traffic":{"read":1e999,"written":2,"operations":3}}',
    '{"exit":0,"traffic":{"read":1,"written":2,"operations":3}}',
    `{"traffic":{"read":1,"written":2,"operations":3}${' '.repeat(300)}}`,
  ])
    assert.equal(parseTraffic(odd), undefined, odd);
  assert.deepEqual(parseTraffic('{"traffic":{"read":1,"written":2,"operations":3,"more":4}}'), {
    read: 1,
    written: 2,
    operations: 3,
  });
});

test('counters are shown once a second at the most, never fall, and of too many lines most are not looked at', () => {
  let now = 0;
  const meter = new TrafficMeter(() => now);
  assert.equal(meter.take(), undefined);
  meter.tell(line(10));
  assert.equal(meter.take()?.read, 10);
  now = 500;
  meter.tell(line(20));
  assert.equal(meter.take(), undefined, 'too soon');
  now = 1000;
  assert.equal(meter.take()?.read, 20);
  assert.equal(meter.take(), undefined, 'nothing new');
  for (const odd of ['rubbish', line(19), line(20, 0, 0)]) meter.tell(odd);
  now = 3000;
  assert.equal(meter.take(), undefined);
  for (let i = 0; i < 1000; i++) meter.tell(line(100 + i));
  assert.equal(meter.latest?.read, 103);
  now = 4000;
  meter.tell(line(5000));
  assert.equal(meter.take()?.read, 5000);
});

test('lines come whole, however they are cut; of one that never ends only its beginning', () => {
  const got: string[] = [];
  const cutter = new LineCutter(10, (l) => got.push(l));
  for (const part of ['one\ntw', 'o\n', '\n', 'é'.repeat(3), '\n', 'x'.repeat(25), 'y\nlast']) {
    const bytes = Buffer.from(part);
    for (let i = 0; i < bytes.length; i += 5) cutter.push(bytes.subarray(i, i + 5));
  }
  assert.deepEqual(got, ['one', 'two', '', 'ééé', 'x'.repeat(10)]);
  cutter.end();
  assert.equal(got.at(-1), 'last');
});

test('a flood is more bytes in a second than counters ever have', () => {
  const flood = new Flood();
  assert.ok(!flood.add(60_000, 0));
  assert.ok(!flood.add(60_000, 1000));
  assert.ok(flood.add(6000, 1999));
});

test('last words are the last line that is no counter; to who did not ask for counters all lines are words', async () => {
  const said = ['first\n', `${line(1)}\n`, 'the last\nwo', `rds\n${line(2)}\n\n`, '  \n'];
  const end = async (onTraffic?: (l: string) => void): Promise<string> => {
    const stream = Readable.from(said.map((s) => Buffer.from(s)));
    const words = wordsOf(stream, onTraffic);
    await new Promise((resolve) => stream.once('end', resolve));
    return words();
  };
  const told: string[] = [];
  assert.equal(await end((l) => told.push(l)), 'words');
  assert.deepEqual(told, [line(1), line(2)]);
  assert.equal(await end(), line(2));
});

test('a call asks for counters with a blank that an agent which does not know of them passes over', () => {
  const call = {
    version: 1 as const,
    service: 'ruddo.ConnectToFolder',
    source: 'work',
    given: { folder: '/a', access: 'ro' as const },
  };
  for (const traffic of [true, false]) {
    const word = encodeAgentCall(call, traffic);
    assert.match(word, /^[A-Za-z0-9_-]+$/);
    assert.deepEqual(decodeAgentCall(word), { ok: true, value: call });
    assert.equal(wordAsksTraffic(word), traffic);
    assert.deepEqual(JSON.parse(Buffer.from(word, 'base64url').toString('utf8')), call);
  }
  assert.ok(asksTraffic(askTraffic('{}')) && !asksTraffic('{}'));
});
