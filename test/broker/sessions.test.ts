// SPDX-License-Identifier: MIT
// Which sessions are going on is known wherever one looks from.
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readlinkSync } from 'node:fs';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { Sessions } from '../../src/broker/sessions.ts';
import { openSys } from '../../src/linux/index.ts';
import { nodeProgram } from '../helpers/cli.ts';
import { scratch } from '../helpers/places.ts';
import { eventually, NODE, world } from './world.ts';

const keeper = fileURLToPath(new URL('./keeper-child.js', import.meta.url));
const NAMESPACE = ['--user', '--map-root-user', '--pid', '--fork', '--mount-proc'];
const probe = spawnSync('unshare', [...NAMESPACE, 'true'], { encoding: 'utf8' });

test('a session goes on as long as its keeper runs, seen from another PID namespace as well, and ends with a kill -9', async (t) => {
  const w = world(t);
  const dir = w.path('policy/sessions');
  const child = spawn(NODE, [keeper, dir], { stdio: 'ignore', env: { ...process.env, ...w.env } });
  t.after(() => child.kill('SIGKILL'));
  let ended = false;
  child.once('exit', () => (ended = true));
  const file = `${dir}/0123abcd.json`;
  await eventually('the session', () => existsSync(file));
  const ids = (): string[] => new Sessions(dir, openSys()).list().map((s) => s.id);
  assert.deepEqual(ids(), ['0123abcd']);
  if (probe.status === 0) {
    const argv = nodeProgram('ninefold', 'sessions', '--json');
    const seen = spawnSync('unshare', [...NAMESPACE, ...argv], {
      encoding: 'utf8',
      env: { ...process.env, ...w.env },
    });
    assert.equal(seen.status, 0, seen.stderr);
    assert.deepEqual(
      (JSON.parse(seen.stdout) as { id: string }[]).map((s) => s.id),
      ['0123abcd'],
    );
    assert.ok(existsSync(file), 'who cannot see the keeper takes nothing away');
  } else t.diagnostic(`not from a PID namespace: ${probe.stderr}`);
  child.kill('SIGKILL');
  await eventually('its end', () => ended);
  assert.deepEqual(ids(), []);
  assert.ok(!existsSync(file));
});

test('a session that is written anew is one still, and is over when it is removed', (t) => {
  const dir = scratch(t, 'sessions');
  const kept = new Sessions(dir, openSys());
  const place = {
    source: 'one',
    target: 'two',
    folder: '/x',
    access: 'rw',
    rule: '01234567',
    once: false,
  } as const;
  kept.add({ id: '0123abcd', ...place, since: 1 });
  kept.add({ id: '0123abcd', ...place, since: 1, until: 2 });
  const other = new Sessions(dir, openSys());
  assert.deepEqual(
    other.list().map(({ id, until }) => [id, until]),
    [['0123abcd', 2]],
  );
  const held = (): number =>
    readdirSync('/proc/self/fd').filter((fd) => {
      try {
        return readlinkSync(`/proc/self/fd/${fd}`).startsWith(dir);
      } catch {
        return false;
      }
    }).length;
  assert.equal(held(), 1);
  kept.remove('0123abcd');
  assert.deepEqual([other.list(), held()], [[], 0]);
});
