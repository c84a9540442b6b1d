// SPDX-License-Identifier: MIT
// Which sessions are going on is known wherever one looks from.
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { Sessions } from '../../src/broker/sessions.ts';
import { openSys } from '../../src/linux/index.ts';
import { nodeProgram } from '../helpers/cli.ts';
import { eventually, NODE, world } from './world.ts';

const keeper = fileURLToPath(new URL('./keeper-child.js', import.meta.url));
const NAMESPACE = ['--user', '--map-root-user', '--pid', '--fork', '--mount-proc'];
const probe = spawnSync('unshare', [...NAMESPACE, 'true'], { encoding: 'utf8' });

test('a session goes on as long as its keeper runs, seen from another PID namespace as well, and ends with a kill -9', async (t) => {
  const w = world(t);
  const dir = w.path('policy/sessions');
  const child = spawn(NODE, [keeper, dir], { stdio: 'ignore', env: { ...process.env, ...w.env } });
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
