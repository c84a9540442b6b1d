// SPDX-License-Identifier: MIT
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { scratch } from '../helpers/places.ts';
import { kernelIsThere, noGuest } from './kernel.ts';
import { type HelperName, MOUNTPOINT, noOriginal, runWithProxy, type Way } from './proxy.ts';
import { WORK } from './proxy-work.ts';

const skip =
  noGuest() ??
  (process.env.CI || kernelIsThere()
    ? undefined
    : 'no guest kernel yet: `node dist/test/guest/main.js -- true` fetches it') ??
  noOriginal() ??
  (process.geteuid?.() === 0 ? false : 'needs root');

/** What the host sees afterwards: names, kinds, modes, owners, links, contents. */
function seen(dir: string): string {
  const list = spawnSync(
    'sh',
    [
      '-c',
      "find . -mindepth 1 -printf '%p %y %m %U %G %n %l\\n' | LC_ALL=C sort; find . -type f -exec sha256sum {} + | LC_ALL=C sort",
    ],
    { cwd: dir, encoding: 'utf8' },
  );
  return list.stdout;
}

describe('a Debian guest, -fsdev proxy, and what people do there', { skip }, () => {
  const results = new Map<string, { out: string; host: string }>();
  const runs: [HelperName, Way][] = [
    ['original', 'socket'],
    ['original', 'sock_fd'],
    ['ours', 'socket'],
    ['ours', 'sock_fd'],
  ];
  for (const [helper, way] of runs)
    test(`${helper}, ${way}: the same as with QEMU's own helper`, async (t) => {
      const dir = scratch(t, 'proxy-guest');
      const path = join(dir, 'export');
      mkdirSync(path);
      for (const d of [dir, path]) chmodSync(d, 0o755);
      let [out, err] = ['', ''];
      const r = await runWithProxy({
        helper,
        way,
        path,
        scratch: dir,
        job: {
          command: ['sh', '-c', WORK, 'sh', MOUNTPOINT],
          cwd: '/',
          limitMs: 900_000,
          stdout: (b) => (out += b.toString()),
          stderr: (b) => (err += b.toString()),
        },
      });
      assert.equal(r.code, 0, `${out.slice(-500)}\n${err}`);
      assert.match(out, /== done\n$/);
      assert.deepEqual([r.ended, r.words], [0, 'Started\nDone\n']);
      t.diagnostic(`${(r.cpuNs / 1e6).toFixed(1)} ms of the helper's CPU`);
      const now = { out, host: seen(path) };
      assert.ok(now.host.split('\n').length > 50);
      const first = [...results.values()][0];
      results.set(`${helper} ${way}`, now);
      if (first !== undefined) assert.deepEqual(now, first);
    });
});
