// SPDX-License-Identifier: MIT
// What the receiver is, before it reads a byte of a stranger's: looked at from outside, under each sandbox.

import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readdirSync, readFileSync, readlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { scratch } from '../helpers/places.ts';
import { END, item, REG, unpack } from './wire.ts';

const field = (pid: string, name: string): string =>
  new RegExp(`^${name}:\\s*(.*)$`, 'm').exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? '';

/** The receiver that has the folder open, once it has begun and before it was sent anything. */
async function receiverOf(dir: string): Promise<string> {
  for (let i = 0; i < 500; i++) {
    for (const pid of readdirSync('/proc').filter((name) => /^[0-9]+$/.test(name)))
      try {
        const words = readFileSync(`/proc/${pid}/cmdline`, 'latin1').split('\0');
        // Not bubblewrap, whose command line ends with the same words.
        if (!/\/node[^/]*$/.test(words[0] ?? '') || !words.some((w) => w.endsWith('receive-worker.cjs')))
          continue;
        const open = readdirSync(`/proc/${pid}/fd`).map((fd) => readlinkSync(`/proc/${pid}/fd/${fd}`));
        // In the sandbox the folder has another name.
        const root =
          open.some((to) => to === dir) ||
          (open.includes('/share') && existsSync(`/proc/${pid}/root/share/mark`));
        if (root && field(pid, 'Seccomp') === '2') return pid;
      } catch {
        // It is gone, or another user's.
      }
    await sleep(20);
  }
  throw new Error('no receiver was seen');
}

for (const sandbox of ['bwrap', 'landlock'])
  test(`the receiver is confined before it reads a byte (${sandbox})`, async (t) => {
    if (process.geteuid?.() !== 0) return t.skip('needs root to look into the sandbox');
    const dir = join(scratch(t, 'confined'), 'in');
    mkdirSync(dir);
    writeFileSync(join(dir, 'mark'), '');
    const r = await unpack(dir, Buffer.concat([item('f', REG, 'x'), END]), {
      env: { NINEFOLD_SANDBOX: sandbox },
      async meanwhile() {
        const pid = await receiverOf(dir);
        for (const set of ['CapEff', 'CapPrm', 'CapBnd', 'CapAmb'])
          assert.match(field(pid, set), /^0+$/, set);
        assert.equal(field(pid, 'NoNewPrivs'), '1');
        if (sandbox !== 'bwrap') return;
        for (const ns of ['net', 'mnt', 'pid', 'ipc', 'user'])
          assert.notEqual(readlinkSync(`/proc/${pid}/ns/${ns}`), readlinkSync(`/proc/self/ns/${ns}`), ns);
        const mounts = readFileSync(`/proc/${pid}/mountinfo`, 'utf8')
          .trim()
          .split('\n')
          .map((line) => line.split(' '));
        const options = (at: string): string[] => mounts.find((m) => m[4] === at)?.[5]?.split(',') ?? [];
        for (const option of ['rw', 'nosuid', 'nodev']) assert.ok(options('/share').includes(option), option);
        const writable = mounts.filter((m) => m[5]?.split(',').includes('rw') && m[4] !== '/dev/null');
        assert.deepEqual(
          writable.map((m) => m[4]),
          ['/share'],
        );
        for (const gone of ['etc/shadow', 'home', 'root', 'tmp', 'run'])
          assert.ok(!existsSync(`/proc/${pid}/root/${gone}`), gone);
      },
    });
    assert.equal(r.code, 0, r.stderr);
    assert.equal(readFileSync(join(dir, 'f'), 'utf8'), 'x');
  });
