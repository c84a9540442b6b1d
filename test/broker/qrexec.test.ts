// SPDX-License-Identifier: MIT
// Opt-in: our services and our client under the real qrexec, with its policy evaluation. See docs/ORIGINALS.md.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { cannotMount, type Ran } from '../helpers/cli.ts';
import { noQrexec, qrexec } from './qrexec.ts';
import { lines, print, qubes } from './qubes.ts';
import { answers, eventually } from './world.ts';

const reason = noQrexec ?? cannotMount();

function call(program: string, target: string, service: string, input: string): Promise<Ran> {
  return new Promise((resolve) => {
    const child = spawn(program, [target, service], { stdio: 'pipe' });
    const out = { stdout: '', stderr: '' };
    child.stdout.on('data', (d) => (out.stdout += String(d)));
    child.stderr.on('data', (d) => (out.stderr += String(d)));
    child.stdin.on('error', () => {});
    child.stdin.end(input);
    child.once('close', (code) => resolve({ code: code ?? -1, ...out }));
  });
}

test(
  'under the real qrexec: asked, mounted, used, revoked, refused',
  reason === undefined ? {} : { skip: reason },
  async (t) => {
    const w = qubes(t, (w) => answers(w.dir, { answer: 'allow', lasts: 'always' }));
    const { clientOf, end } = await qrexec(t, w);
    try {
      const early = await call(clientOf('work'), 'vault', `ruddo.ConnectToFolder+${print(w.share)}`, '');
      assert.equal(early.code, 126, `nothing is granted yet: ${early.stderr}`);
      const yes = await call(clientOf('work'), 'dom0', 'ruddo.AuthorizeFolderAccess', lines(w.share));
      assert.deepEqual([yes.code, yes.stdout], [0, print(w.share)], yes.stderr);
      assert.equal(w.question().source, 'work');
      const bad = await call(clientOf('work'), 'dom0', 'ruddo.AuthorizeFolderAccess', 'x');
      assert.equal(bad.code, 22, bad.stderr);
      const between = await call(clientOf('work'), 'vault', 'ruddo.AuthorizeFolderAccess', lines(w.share));
      assert.equal(between.code, 126, 'it is of dom0 only');

      const r = await w.run('qvm-mount-folder', ['vault', w.share, w.mnt], { patience: 60_000 });
      assert.equal(r.code, 0, r.stderr);
      assert.equal(readFileSync(join(w.mnt, 'hello'), 'utf8'), 'world');
      const big = Buffer.alloc(3_000_000, 'ninefold');
      writeFileSync(join(w.mnt, 'big'), big);
      assert.ok(readFileSync(join(w.share, 'big')).equals(big));
      const sessions = JSON.parse((await w.ninefold('sessions', '--json')).stdout) as Record<
        string,
        string
      >[];
      assert.deepEqual(
        sessions.map((s) => [s.source, s.target, s.folder, s.access]),
        [['work', 'vault', w.share, 'rw']],
        'the session is kept open through qrexec',
      );
      assert.equal((await w.ninefold('policy', 'revoke', '--source', 'work')).code, 0);
      const ms = await eventually('the end of the mount', () => {
        try {
          readdirSync(w.mnt);
          return false;
        } catch {
          return true;
        }
      });
      t.diagnostic(`ended ${ms.toFixed(0)} ms after the command had`);
      assert.equal((await w.ninefold('unmount', w.mnt)).code, 0);
      const late = await call(clientOf('work'), 'vault', `ruddo.ConnectToFolder+${print(w.share)}`, '');
      assert.equal(late.code, 126, `the line is gone: ${late.stderr}`);

      const none = await w.run('qvm-mount-folder', ['vault', `${w.dir}/none`, w.mnt], { patience: 60_000 });
      assert.equal(none.code, 2, none.stderr);
      w.env.NINEFOLD_ASK = '';
      const nobody = await w.run('qvm-mount-folder', ['nobody', w.share, w.mnt], { patience: 60_000 });
      assert.equal(nobody.code, 13, nobody.stderr);
    } finally {
      await w.ninefold('unmount', w.mnt, '--lazy');
      await end();
    }
  },
);
