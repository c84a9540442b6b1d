// SPDX-License-Identifier: MIT
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { inChild, sys } from '../../test/helpers/linux.ts';
import { ENOENT } from '../base/errno.ts';
import { capabilities, execve, getDumpable, getNoNewPrivileges, getOpenFileLimit } from './process.ts';

const root = sys.geteuid() === 0;

test('execve becomes another program with exactly the arguments and environment given', () => {
  const seen = inChild(
    `const { execve } = await import(modules + 'process.js');
     const d = await import(modules + 'descriptors.js');
     for (const fd of [1, 2]) d.setCloseOnExec(fd, false);
     const code = 'console.log(JSON.stringify({ argv: process.argv.slice(1), env: process.env, pid: process.pid }))';
     throw new Error('execve: ' + execve(process.execPath, ['node', '-e', code, '--', 'a b', 'ü', ''], { X: '1', Y: 'a=b', PID: String(process.pid) }));`,
    { env: { LOST: '1' } },
  ) as { argv: string[]; env: Record<string, string>; pid: number };
  assert.deepEqual(seen.argv, ['a b', 'ü', '']);
  assert.deepEqual(seen.env, { X: '1', Y: 'a=b', PID: String(seen.pid) });
});

test('execve of nothing returns an errno; a NUL inside a string is refused', () => {
  assert.equal(execve('/nonexistent', ['x'], {}), -ENOENT);
  assert.throws(() => execve('/bin/true\0x', ['x'], {}), RangeError);
  assert.throws(() => execve('/nonexistent', ['a\0b'], {}), RangeError);
});

test('keepCapabilities leaves those alone, also for what is executed', (t) => {
  if (!root) return t.skip('an ordinary user has none');
  const seen = inChild(
    `const { execve, keepCapabilities, capabilities } = await import(modules + 'process.js');
     const { setCloseOnExec } = await import(modules + 'descriptors.js');
     const kept = keepCapabilities(['CHOWN', 'MKNOD']);
     const now = capabilities();
     if (kept !== 0 || now.effective !== (1n << 27n | 1n)) throw new Error(kept + ' ' + now.effective);
     for (const fd of [1, 2]) setCloseOnExec(fd, false);
     const code = "console.log(JSON.stringify(require('fs').readFileSync('/proc/self/status', 'utf8')))";
     throw new Error('execve: ' + execve(process.execPath, ['node', '-e', code], {}));`,
  ) as string;
  for (const set of ['CapPrm', 'CapEff', 'CapBnd'])
    assert.match(seen, new RegExp(`^${set}:\\s*0000000008000001$`, 'm'));
  assert.match(seen, /^CapAmb:\s*0000000000000000$/m);
});

test('becomeUser: all ids, all threads, no way back', (t) => {
  if (!root) return t.skip('changing identity needs root');
  const seen = inChild(
    `import { readdirSync, readFileSync } from 'node:fs';
     const { becomeUser } = await import(modules + 'process.js');
     const r = becomeUser(65534, 65533, [5, 6]);
     const again = becomeUser(0, 0, []);
     const threads = readdirSync('/proc/self/task').map((t) => readFileSync('/proc/self/task/' + t + '/status', 'utf8'));
     const ids = (name) => [...new Set(threads.map((s) => new RegExp('^' + name + ':\\\\s*(.*?)\\\\s*$', 'm').exec(s)[1].replaceAll('\\t', ' ')))];
     console.log(JSON.stringify({ r, again, uid: ids('Uid'), gid: ids('Gid'), groups: ids('Groups') }));`,
  );
  assert.deepEqual(seen, {
    r: 0,
    again: -1,
    uid: ['65534 65534 65534 65534'],
    gid: ['65533 65533 65533 65533'],
    groups: ['5 6'],
  });
});

test('limits, dumpability, no_new_privs and the parent’s death', () => {
  const seen = inChild(
    `import { readFileSync } from 'node:fs';
     const p = await import(modules + 'process.js');
     const before = p.getOpenFileLimit();
     const r = [p.setOpenFileLimit(100, before.hard), p.setDumpable(false), p.setNoNewPrivileges(), p.setParentDeathSignal(9)];
     console.log(JSON.stringify({ r, soft: p.getOpenFileLimit().soft, dump: p.getDumpable(), nnp: p.getNoNewPrivileges(), over: p.setOpenFileLimit(before.hard + 1, before.hard) }));`,
  );
  assert.deepEqual(seen, { r: [0, 0, 0, 0], soft: 100, dump: 0, nnp: 1, over: -22 });
  const limit = getOpenFileLimit();
  assert.ok(typeof limit === 'object' && limit.soft > 0 && limit.soft <= limit.hard);
  assert.equal(getDumpable(), 1);
  assert.equal(getNoNewPrivileges(), 0);
  const caps = capabilities();
  assert.ok(typeof caps === 'object' && (root ? caps.effective > 0n : caps.effective === 0n));
});

test('a process that asked for it dies with its parent', () => {
  const seen = inChild(
    `import { spawnSync } from 'node:child_process';
     import { readFileSync } from 'node:fs';
     const inner = 'const { setParentDeathSignal } = await import(' + JSON.stringify(modules + 'process.js') + '); setParentDeathSignal(9); console.log(process.pid); setTimeout(() => {}, 15000);';
     const outer = "const c = require('child_process').spawn(process.execPath, ['--input-type=module', '-e', process.argv[1]], { stdio: ['ignore', 'pipe', 'inherit'] }); c.stdout.once('data', (d) => { console.log(String(d)); process.exit(); });";
     const pid = Number(spawnSync(process.execPath, ['-e', outer, inner], { encoding: 'utf8' }).stdout);
     let alive = true;
     for (let i = 0; i < 200 && alive; i++) {
       try { alive = !/^State:\\s*[ZX]/m.test(readFileSync('/proc/' + pid + '/status', 'utf8')); } catch { alive = false; }
       if (alive) await new Promise((ok) => setTimeout(ok, 10));
     }
     console.log(JSON.stringify({ pid: pid > 0, alive }));`,
  );
  assert.deepEqual(seen, { pid: true, alive: false });
});

test('closeOnExecFrom marks all from a number on', () => {
  const seen = inChild(
    `import { openSync } from 'node:fs';
     const { closeOnExecFrom } = await import(modules + 'process.js');
     const { closeOnExec, setCloseOnExec } = await import(modules + 'descriptors.js');
     const fd = openSync('/', 'r');
     setCloseOnExec(fd, false);
     setCloseOnExec(1, false);
     const r = closeOnExecFrom(3);
     console.log(JSON.stringify([r, closeOnExec(fd), closeOnExec(1)]));`,
  );
  assert.deepEqual(seen, [0, 1, 0]);
});

test('chroot needs a privilege', (t) => {
  if (!root) return t.skip('chroot needs root');
  const seen = inChild(
    `import { existsSync, mkdtempSync, rmdirSync } from 'node:fs';
     import { tmpdir } from 'node:os';
     const { chroot } = await import(modules + 'process.js');
     const dir = mkdtempSync(tmpdir() + '/ninefold-');
     const here = existsSync('/proc/self');
     process.chdir('/');
     const r = chroot(dir);
     const there = existsSync('/proc/self');
     chroot('.');
     rmdirSync(dir);
     console.log(JSON.stringify([r, here, there]));`,
  );
  assert.deepEqual(seen, [0, true, false]);
});
