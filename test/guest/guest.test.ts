// SPDX-License-Identifier: MIT

import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { type TestContext, test } from 'node:test';
import { type Job, runInGuest } from './boot.ts';
import { kernelIsThere, noGuest } from './kernel.ts';

/** Only CI fetches 70 MB for a test. */
function unable(t: TestContext): boolean {
  const why =
    noGuest() ??
    (process.env.CI || kernelIsThere()
      ? undefined
      : 'no guest kernel yet: `node dist/test/guest/main.js -- true` fetches it');
  if (why !== undefined) t.skip(why);
  return why !== undefined;
}

function job(shell: string, limitMs: number): { job: Job; out: () => string; err: () => string } {
  let [out, err] = ['', ''];
  return {
    job: {
      command: ['sh', '-c', shell],
      cwd: '/',
      limitMs,
      stdout: (b) => (out += b.toString('latin1')),
      stderr: (b) => (err += b.toString('latin1')),
    },
    out: () => out,
    err: () => err,
  };
}

test('a command in a guest: its output, its exit code, and nothing written to the host', async (t) => {
  if (unable(t)) return;
  const mark = `/var/tmp/ninefold-guest-${process.pid}`;
  const {
    job: j,
    out,
    err,
  } = job(
    `echo x >${mark} && printf 'a\\0\\377z'; echo "it's bad" >&2; test -d /proc/self && stat -f -c %T /tmp; exit 7`,
    180_000,
  );
  assert.equal(await runInGuest(j), 7);
  assert.equal(out(), 'a\0\xffzext2/ext3\n');
  assert.equal(err(), "it's bad\n");
  assert.equal(existsSync(mark), false);
});

test('a guest that takes too long is ended, and its console told', async (t) => {
  if (unable(t)) return;
  await assert.rejects(runInGuest(job('sleep 100', 1500).job), /not done after 1.5 s/);
});
