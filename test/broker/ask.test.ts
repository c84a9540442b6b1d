// SPDX-License-Identifier: MIT

import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { askBy } from '../../src/broker/ask.ts';
import type { Question } from '../../src/policy/asking.ts';
import { scratch } from '../helpers/places.ts';
import { asks } from './machine.ts';
import { eventually, world } from './world.ts';

const question = (patience: number): Question => ({
  version: 1,
  source: 'work',
  target: 'vault',
  folder: '/a',
  access: 'ro',
  shown: '/a',
  notes: [],
  sentence: 'work wants to read /a.',
  lasts: ['once'],
  patience,
  refusedMeanwhile: 0,
});

/** A shell's command that leaves something behind in a session of its own, with the command's output open; ended when the test is. */
function leaving(t: TestContext, then: string): string[] {
  let pidFile = '';
  // Before the folder is removed.
  t.after(() => process.kill(Number(readFileSync(pidFile, 'utf8'))));
  pidFile = join(scratch(t, 'ask'), 'pid');
  return ['/bin/sh', '-c', `setsid sleep 600 & echo $! > ${pidFile}; ${then}`];
}

test('an asking program that leaves a daemon behind has answered all the same', async (t) => {
  const argv = leaving(t, `echo '{"version":1,"answer":"allow"}'`);
  const asked = await askBy(argv, question(60));
  assert.equal(asked.kind, 'answer');
});

test('when its time is over, nothing that it left behind keeps the question open', async (t) => {
  const since = performance.now();
  assert.deepEqual(await askBy(leaving(t, 'sleep 600'), question(1)), { kind: 'timeout' });
  assert.ok(performance.now() - since < 60_000);
});

test('one that cannot be run, ends badly, or talks nonsense', async () => {
  const kinds = [['/nowhere/ask'], ['/bin/false'], ['/bin/echo', '{}'], ['/bin/sh', '-c', 'kill -9 $$']];
  for (const argv of kinds) assert.equal((await askBy(argv, question(10))).kind, 'failed', argv.join(' '));
});

const isAlive = (pid: number): boolean => {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
};
const pidIn = (file: string): number => Number(existsSync(file) ? readFileSync(file, 'utf8') : '0');

for (const signal of ['SIGINT', 'SIGTERM', 'SIGKILL'] as const)
  test(`a broker that ends by ${signal} leaves no question open, and asks none of those that wait`, async (t) => {
    const w = world(t);
    const machines = {
      box: { address: 'local', socket: w.path('box.sock') },
      evil: { socket: w.path('evil.sock') },
    };
    // The pid last: it is what is waited for.
    const ask = `echo >> ${w.path('count')}; echo $$ > ${w.path('pid')}; exec sleep 600`;
    const broker = await w.broker(ask, { machines, patience: 600 });
    const calls = ['evil', 'box'].map((name) =>
      asks(w.path(`${name}.sock`), name === 'box' ? 'host' : 'box', w.share).catch(() => undefined),
    );
    await eventually('the question', () => pidIn(w.path('pid')) > 0);
    await eventually(
      'both requests',
      () => existsSync(w.path('policy/asking/box.lock')) && existsSync(w.path('policy/asking/evil.lock')),
    );
    broker.child.kill(signal);
    await broker.ended;
    await eventually('the end of the asking program', () => !isAlive(pidIn(w.path('pid'))));
    assert.equal(readFileSync(w.path('count'), 'utf8'), '\n');
    if (signal !== 'SIGKILL')
      assert.ok(
        w
          .log()
          .some((l) => l.event === 'decision' && l.result === 'failed' && l.why === 'the broker was ended'),
      );
    await Promise.all(calls);
  });
