// SPDX-License-Identifier: MIT
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { test } from 'node:test';
import { cannotMount, leftovers, run } from '../../test/helpers/cli.ts';
import { OUT, TOP } from '../../test/helpers/places.ts';

const reason = cannotMount();

test('npm start -- FOLDER MOUNTPOINT: shares, mounts, uses, shows speeds, leaves nothing', {
  ...(reason === undefined ? {} : { skip: reason }),
}, async (t) => {
  const dir = mkdtempSync(join(tmpdir(), 'ninefold-start-test-'));
  t.after(() => rmSync(dir, { recursive: true, force: true }));
  const [share, mnt] = [join(dir, 'share'), join(dir, 'mnt')];
  mkdirSync(join(share, 'deep/er'), { recursive: true });
  mkdirSync(mnt);
  for (const name of ['a', 'deep/b', 'deep/er/c']) writeFileSync(join(share, name), name);
  const env = {
    NINEFOLD_OUT: relative(TOP, OUT),
    NINEFOLD_RUNTIME_DIR: join(dir, 'run'),
    TMPDIR: dir,
    NINEFOLD_SANDBOX: 'none',
  };
  const start = [process.execPath, join(TOP, 'scripts/start.mjs')];
  const r = await run([...start, share, mnt], { env, patience: 60_000 });
  assert.equal(r.code, 0, r.stdout + r.stderr);
  assert.match(r.stdout, /Asking for box:.*share; the answer will be yes, from this script: nobody is asked/);
  assert.match(r.stdout, /The log \(what it calls the answer of a person came from this script\):\n/);
  assert.match(r.stdout, /fuse\.ninefold rw,/);
  assert.match(r.stdout, /walked +3 files in 3 folders/);
  assert.match(r.stdout, /read +0\.0 MB of 3 files/);
  assert.match(r.stdout, /wrote +67\.1 MB and fsync .* MB\/s/);
  assert.match(r.stdout, /host +box +.*share +read, write/, 'the session');
  assert.match(r.stdout, /"guest", with users.*\n {2}and sees 2 names at its top\n/);
  assert.match(r.stdout, /connection +guest → box:.* ro /, 'the log of the guest');
  assert.match(r.stdout, /one mount is ended\n .*mnt is dead \d+ ms after/);
  assert.match(r.stdout, /end +host → box:.* its grant was revoked\n/, 'the log');
  assert.match(r.stdout, /is unmounted\.\n$/);
  assert.deepEqual(readdirSync(share).sort(), ['a', 'deep'], 'its scratch folder is gone');
  assert.deepEqual(await leftovers(dir), []);

  const none = await run([...start, join(dir, 'none'), mnt], { env });
  assert.equal(none.code, 2);
  assert.match(none.stdout + none.stderr, /there is no such folder/);
  const no = await run([...start, share, mnt, '--answer', 'no'], { env });
  assert.equal(no.code, 13, no.stderr);
  assert.match(no.stderr, /the request was denied/);
  assert.deepEqual(readdirSync(dir).sort(), ['mnt', 'run', 'share'], 'no temporary folder is left');
  assert.deepEqual(await leftovers(dir), []);
});
