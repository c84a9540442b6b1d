// SPDX-License-Identifier: MIT

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { readFileSync, readlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { scratch } from '../helpers/places.ts';
import { pause } from './bystander.ts';
import { LoopFs, noLoop } from './loop-fs.ts';
import { holdersOf, loopsOf, stateOf } from './loop-state.ts';

const why = noLoop();

test(
  'a disk that another mount namespace keeps after a cut is mounted again when that has ended, and can be read',
  why === undefined ? {} : { skip: why },
  async (t) => {
    const disk = new LoopFs(scratch(t, 'loop'));
    try {
      await disk.make(16);
      await disk.mount();
      writeFileSync(join(disk.dir, 'kept'), 'kept', { flush: true });
      assert.match(stateOf(disk.dir, disk.image), / ext4 .*loop\d+: errors_count 0, .*bytes free/);
      // Private: what is unmounted here stays mounted there.
      const keeper = spawn('unshare', ['--mount', '--propagation', 'private', 'sleep', '1.5'], {
        stdio: 'ignore',
      });
      const ended = new Promise((resolve) => keeper.once('close', resolve));
      const namespace = (pid: number | undefined): string => readlinkSync(`/proc/${pid ?? 'self'}/ns/mnt`);
      const ours = readlinkSync('/proc/self/ns/mnt');
      while (namespace(keeper.pid) === ours) await pause(5);
      const begin = performance.now();
      await disk.cut();
      assert.throws(() => readFileSync(join(disk.dir, 'kept')), { code: 'EIO' });
      assert.ok(holdersOf(loopsOf(disk.image)).some((h) => h.startsWith(`process ${keeper.pid} `)));
      await disk.unmount();
      assert.ok(performance.now() - begin > 500, 'it was waited for');
      await disk.mount();
      assert.equal(readFileSync(join(disk.dir, 'kept'), 'utf8'), 'kept');
      await disk.unmount();
      await ended;
    } finally {
      await disk.end();
    }
  },
);
