// SPDX-License-Identifier: MIT
// No mount goes on that nobody keeps: not when its broker is killed, nor when the agent is that serves it, nor when nobody can tell any more what the rules say.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { openSync, readFileSync, renameSync, rmSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { keptChild } from '../../src/broker/kept-child.ts';
import { fingerprint } from '../../src/policy/fingerprint.ts';
import { leftovers } from '../helpers/cli.ts';
import { scratch } from '../helpers/places.ts';
import { sha256 } from './ground.ts';
import { answersOthers, opens } from './machine.ts';
import { answers, eventually, NINEFOLD, NODE, type World, world } from './world.ts';

/** A broker with a mount by this agent, granted for good. */
async function mounted(w: World, address: string): Promise<{ gone(): boolean; kill(): Promise<void> }> {
  const running = await w.broker(answers(w.dir, { answer: 'deny' }), {
    machines: { box: { address, socket: w.path('box.sock') }, work: { socket: w.path('work.sock') } },
  });
  assert.equal((await w.ninefold('policy', 'allow', 'work', `box:${w.share}`)).code, 0);
  const print = fingerprint(sha256, { source: 'work', target: 'box', folder: w.share }, 'rw');
  const session = await opens(w.path('work.sock'), 'box', print, w.share);
  return {
    gone: session.gone,
    async kill() {
      running.child.kill('SIGKILL');
      await running.ended;
    },
  };
}

async function endsWithin(ms: number, gone: () => boolean): Promise<void> {
  const until = performance.now() + ms;
  while (!gone() && performance.now() < until) await sleep(20);
  assert.ok(gone(), `the mount has not ended after ${ms} ms`);
}

for (const [what, address] of [
  ['this machine', () => 'local'],
  ['a command', () => `exec:${NODE} ${NINEFOLD} agent`],
  ['a command with a shell before it', () => `exec:true; ${NODE} ${NINEFOLD} agent`],
  ['a socket', (w: World) => `unix:${w.path('agent.sock')}`],
] as const)
  for (const sandbox of ['none', 'auto'])
    test(`a broker that is killed takes its mounts along: agent ${what}, sandbox ${sandbox}`, async (t) => {
      const w = world(t);
      w.env.NINEFOLD_SANDBOX = sandbox;
      if (what === 'a socket') await w.listening('agent', '--listen', w.path('agent.sock'));
      const session = await mounted(w, address(w));
      await session.kill();
      await endsWithin(5000, session.gone);
      if (what !== 'a socket') assert.deepEqual(await leftovers(w.dir), []);
    });

test('an agent that is killed takes its mounts along', async (t) => {
  const w = world(t);
  const agent = await w.listening('agent', '--listen', w.path('agent.sock'));
  const session = await mounted(w, `unix:${w.path('agent.sock')}`);
  agent.child.kill('SIGKILL');
  await endsWithin(5000, session.gone);
});

test('rules that cannot be looked at end the mounts, and not the broker', async (t) => {
  const w = world(t);
  const running = await w.broker(answers(w.dir, { answer: 'deny' }), {
    machines: {
      box: { address: 'local', socket: w.path('box.sock') },
      work: { socket: w.path('work.sock') },
    },
  });
  assert.equal((await w.ninefold('policy', 'allow', 'work', `box:${w.share}`)).code, 0);
  const print = fingerprint(sha256, { source: 'work', target: 'box', folder: w.share }, 'rw');
  const session = await opens(w.path('work.sock'), 'box', print, w.share);
  renameSync(w.path('policy'), w.path('away'));
  // ELOOP, which stops root as well: EACCES and a file system that has died are the same.
  symlinkSync('policy', w.path('policy'));
  await endsWithin(5000, session.gone);
  await answersOthers(running, w.path('box.sock'));
  assert.equal(running.child.exitCode, null);
  rmSync(w.path('policy'));
  renameSync(w.path('away'), w.path('policy'));
});

test('what a program leaves behind when it has done its work may stay', async (t) => {
  const dir = scratch(t, 'kept');
  const nothing = openSync('/dev/null', 'r+');
  const { child } = keptChild(['/bin/sh', '-c', `sleep 600 & echo $! > ${join(dir, 'pid')}`], nothing);
  assert.deepEqual(await once(child, 'exit'), [0, null]);
  const pid = Number(readFileSync(join(dir, 'pid'), 'utf8'));
  // Its guard has gone, and nothing else.
  const group = (): string[] =>
    (readFileSync(`/proc/${pid}/stat`, 'utf8').match(/\) \S+ \S+ (\d+)/) ?? []).slice(1);
  assert.deepEqual(group(), [String(child.pid)]);
  await sleep(500);
  process.kill(pid, 0);
  process.kill(pid);
  await eventually('the end of the group', () => {
    try {
      return !process.kill(-(child.pid ?? 0), 0);
    } catch {
      return true;
    }
  });
});
