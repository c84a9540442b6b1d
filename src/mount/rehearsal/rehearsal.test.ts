// SPDX-License-Identifier: MIT

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { type TestContext, test } from 'node:test';
import type { Sys } from '../../base/sys.ts';
import { setNonblocking } from '../../linux/descriptors.ts';
import { openSys } from '../../linux/index.ts';
import { SOCK_SEQPACKET, socketpair } from '../../linux/net.ts';
import { mountOptions } from '../options.ts';
import { Rehearsal, type RehearsalEnds } from './play.ts';

const sys = openSys();
const ROUNDS = 40;

function pair(t: TestContext, type?: number): [number, number] {
  const fds: [number, number] = [-1, -1];
  assert.equal(socketpair(fds, type), 0);
  t.after(() => {
    for (const fd of fds) sys.close(fd);
  });
  for (const fd of fds) setNonblocking(fd, true);
  return fds;
}

const openEnds = (t: TestContext): RehearsalEnds => ({ device: pair(t, SOCK_SEQPACKET), wire: pair(t) });

test('the rehearsal goes well: what it compiles is what really happens', (t) => {
  const play = new Rehearsal(sys, mountOptions(65536), openEnds(t));
  for (let i = 0; i < ROUNDS; i++) play.round(i);
  const { stats } = play;
  const inVain = ROUNDS + ROUNDS / 2;
  assert.equal(stats.errors, inVain, 'what is not there is not found, and nothing else fails');
  assert.ok(stats.operations >= ROUNDS * 25, `${stats.operations} operations`);
  assert.ok(stats.fromCache >= ROUNDS * 8, `${stats.fromCache} lookups were answered from memory`);
  assert.ok(stats.filled >= ROUNDS / 2, `${stats.filled} folders were filled`);
  assert.ok(stats.readBytes >= ROUNDS * 2 * 200, 'each file came with its open, and was read once more');
  assert.ok(stats.aheadUsed >= ROUNDS / 2, `${stats.aheadUsed} files were opened ahead`);
});

test('a rehearsal never waits for the next timer', async (t) => {
  const waited: number[] = [];
  const noting: Sys = {
    ...sys,
    poll(fds, count, ms) {
      waited.push(ms);
      return sys.poll(fds, count, ms);
    },
  };
  const play = new Rehearsal(noting, mountOptions(65536), openEnds(t));
  // As the mount does it, with nothing else for Node to do.
  await new Promise((done) => setTimeout(done, 20));
  await new Promise<void>((done) => {
    setImmediate(() => {
      for (let i = 0; i < ROUNDS; i++) play.round(i);
      done();
    });
  });
  play.end();
  assert.ok(waited.length > ROUNDS);
  assert.deepEqual(
    waited.filter((ms) => ms < 0 || ms > 1),
    [],
  );
});

test('the numbers of fids stay small integers: V8 would make every one of them an object', () => {
  const at = (path: string): string => JSON.stringify(new URL(path, import.meta.url).href);
  const code = `
    const { openSys } = await import(${at('../../linux/index.js')});
    const { socketpair, SOCK_SEQPACKET } = await import(${at('../../linux/net.js')});
    const { setNonblocking } = await import(${at('../../linux/descriptors.js')});
    const { mountOptions } = await import(${at('../options.js')});
    const { Rehearsal } = await import(${at('./play.js')});
    const pair = (type) => {
      const fds = [-1, -1];
      socketpair(fds, type);
      for (const fd of fds) setNonblocking(fd, true);
      return fds;
    };
    const play = new Rehearsal(openSys(), mountOptions(65536), { device: pair(SOCK_SEQPACKET), wire: pair() });
    for (let i = 0; i < ${ROUNDS}; i++) play.round(i);
    play.end();
    const { free } = play.engine.fids;
    console.log(free.length, %HasSmiElements(free));`;
  const r = spawnSync(process.execPath, ['--allow-natives-syntax', '--input-type=module', '-e', code], {
    encoding: 'utf8',
  });
  assert.match(r.stdout, /^[1-9]\d* true\n$/, r.stderr);
});

test('a rehearsal that has ended waits for nothing', (t) => {
  const timers = (): number => process.getActiveResourcesInfo().filter((what) => what === 'Timeout').length;
  const before = timers();
  const play = new Rehearsal(sys, mountOptions(65536), openEnds(t));
  for (let i = 0; i < ROUNDS; i++) play.round(i);
  assert.ok(timers() > before, 'files that were opened ahead are to be closed some time');
  play.end();
  assert.equal(timers(), before);
});
