// SPDX-License-Identifier: MIT
// The log where it is begun anew, and on a full disk.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { Audit } from '../../src/broker/audit.ts';
import { openSys } from '../../src/linux/index.ts';
import { encodeText } from '../../src/policy/base64.ts';
import { program, scratch } from '../helpers/places.ts';
import { print, script } from './qubes.ts';
import { NODE, world } from './world.ts';

const line = (why: string): string => `${JSON.stringify({ time: 'x', event: 'change', why })}\n`;

for (const goesOn of [false, true])
  test(`two writers that find the log too large at the same moment begin it anew once${goesOn ? ', also when one goes on' : ''}`, (t) => {
    const dir = scratch(t, 'log');
    const path = join(dir, 'audit.jsonl');
    for (const i of [1, 2, 3, 4]) writeFileSync(`${path}.${i}`, line(`old ${i}`));
    writeFileSync(path, line('latest') + line('x'.repeat(1000)).repeat(8500));
    const sys = openSys();
    const other = new Audit(dir, sys, Date.now);
    let turned = false;
    // The other one is there between this one's look and its lock.
    const between = {
      ofdSetLock: (...args: Parameters<typeof sys.ofdSetLock>): number => {
        if (!turned) {
          turned = true;
          other.write({ event: 'change', why: 'the other' });
          if (goesOn) other.write({ event: 'change', why: 'the first of the new one' });
        }
        return sys.ofdSetLock(...args);
      },
      ofdGetLock: sys.ofdGetLock,
    };
    new Audit(dir, between, Date.now).write({ event: 'change', why: 'one' });
    const first = [1, 2, 3, 4].map((i) => /"why":"([^"]*)"/.exec(readFileSync(`${path}.${i}`, 'utf8'))?.[1]);
    assert.deepEqual(first, ['latest', 'old 1', 'old 2', 'old 3']);
    assert.equal(existsSync(path), goesOn);
    if (!goesOn) other.write({ event: 'change', why: 'the first of the new one' });
    assert.equal(other.read().lines.length, 1);
    assert.match(readFileSync(`${path}.1`, 'utf8'), /"why":"one"\}\n.*"why":"the other"\}\n$/s);
  });

test('a line for which there is room in part alone: nothing is granted, and the next line is one of its own', async (t) => {
  const w = world(t);
  await w.ninefold('policy', 'allow', 'work', 'vault:/home/user/docs');
  const log = w.path('policy/audit.jsonl');
  script(w.path('qvm-ls'), `printf 'work|AppVM\\nvault|AppVM\\n'`);
  const env = {
    ...process.env,
    ...w.env,
    NINEFOLD_QVM_LS: w.path('qvm-ls'),
    QREXEC_REMOTE_DOMAIN: 'vault',
    QREXEC_REQUESTED_TARGET_TYPE: 'name',
    QREXEC_REQUESTED_TARGET: 'dom0',
    QREXEC_SERVICE_ARGUMENT: print('/home/user/docs'),
  };
  // No file may be larger than 32 KiB: a write across that is cut short, as on a full disk.
  const query = (limit: string): { status: number | null; stdout: string } =>
    spawnSync(
      '/bin/bash',
      ['-c', `ulimit -f ${limit}; exec "$@"`, 'sh', NODE, program('ruddo'), 'ruddo.QueryFolderAuthorization'],
      { env, input: encodeText('/home/user/docs'), encoding: 'utf8' },
    );
  writeFileSync(log, `${' '.repeat(32 * 1024 - 31 - statSync(log).size)}\n`, { flag: 'a' });
  const full = query('32');
  assert.deepEqual([full.status, full.stdout], [13, '']);
  assert.equal(statSync(log).size, 32 * 1024, 'half a line');
  const room = query('unlimited');
  assert.deepEqual([room.status, room.stdout], [0, '/home/user/docs\n']);
  assert.match(
    readFileSync(log, 'utf8'),
    /\n\{"time":"[^\n]{0,24}\n\{"time":[^\n]*"event":"connection"[^\n]*\}\n$/,
  );
});
