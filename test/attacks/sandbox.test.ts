// SPDX-License-Identifier: MIT
import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import { test } from 'node:test';
import { scratch } from '../helpers/places.ts';
import { startQfsd } from '../helpers/server.ts';

/** The process that serves: the youngest below `pid`, or `pid` itself. */
function server(pid: number): number {
  const children = fs.readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ').filter(Boolean);
  return children.length === 0 ? pid : server(Number(children.at(-1)));
}

const field = (pid: number, name: string): string =>
  new RegExp(`^${name}:\\s*(.*)$`, 'm').exec(fs.readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? '';
const namespace = (pid: number | 'self', name: string): string => fs.readlinkSync(`/proc/${pid}/ns/${name}`);

/** The places of a process's file systems that it could write to, but for a device that keeps nothing. */
function writable(pid: number): string[] {
  return fs
    .readFileSync(`/proc/${pid}/mountinfo`, 'utf8')
    .trim()
    .split('\n')
    .map((line) => line.split(' '))
    .filter((m) => m[5]?.split(',').includes('rw') && m[4] !== '/dev/null')
    .map((m) => m[4] as string);
}

test('with bwrap the server sees the share and what Node needs, no network and no other processes', async (t) => {
  const dir = scratch(t, 'sandbox');
  fs.writeFileSync(`${dir}/file`, 'x');
  const s = startQfsd(t, dir, { sandbox: 'bwrap' });
  await s.client.attach();
  const pid = server(s.pid);
  for (const ns of ['mnt', 'pid', 'net', 'ipc'])
    assert.notEqual(namespace(pid, ns), namespace('self', ns), `the ${ns} namespace`);
  assert.equal(field(pid, 'NoNewPrivs'), '1');
  if (process.geteuid?.() === 0) {
    const root = `/proc/${pid}/root`;
    for (const gone of ['etc/shadow', 'etc/ssh', 'root', 'home', 'var', 'tmp', 'run', 'boot', dir.slice(1)])
      assert.ok(!fs.existsSync(`${root}/${gone}`), `/${gone} is in the sandbox`);
    // Of all mounts only the share may be written to.
    assert.deepEqual(writable(pid), ['/share']);
    const processes = fs.readdirSync(`${root}/proc`).filter((name) => /^\d+$/.test(name));
    assert.ok(processes.length <= 3, `${processes.length} processes are seen`);
  }
  assert.equal(await s.close(), 0, s.stderr());
});

test('a read-only share is read-only in the sandbox too', async (t) => {
  if (process.geteuid?.() !== 0) return t.skip('needs root to look into the sandbox');
  const s = startQfsd(t, scratch(t, 'sandbox'), { sandbox: 'bwrap', args: ['--read-only'] });
  await s.client.attach();
  assert.deepEqual(writable(server(s.pid)), []);
  assert.equal(await s.close(), 0, s.stderr());
});

test('with landlock the server cannot gain privileges', async (t) => {
  const s = startQfsd(t, scratch(t, 'sandbox'), { sandbox: 'landlock' });
  await s.client.attach();
  assert.equal(field(server(s.pid), 'NoNewPrivs'), '1');
  assert.equal(await s.close(), 0, s.stderr());
});

test('the descriptors of the server are the connection, the share and its own', async (t) => {
  for (const sandbox of ['none', 'bwrap', 'landlock'])
    await t.test(`--sandbox ${sandbox}`, async (t) => {
      const dir = scratch(t, 'sandbox');
      const leak = fs.openSync('/etc/hostname', 'r');
      const s = startQfsd(t, dir, { sandbox });
      fs.closeSync(leak);
      await s.client.attach();
      const pid = server(s.pid);
      const open = fs.readdirSync(`/proc/${pid}/fd`).map((fd) => {
        try {
          return fs.readlinkSync(`/proc/${pid}/fd/${fd}`);
        } catch {
          return '';
        }
      });
      for (const target of open) {
        if (!target.startsWith('/') || target.startsWith('/dev/') || target.startsWith('/proc/')) continue;
        assert.ok(
          target === '/share' ||
            target.startsWith(dir) ||
            /\/etc\/(passwd|group)$|\.[cm]js$|\/program\//.test(target),
          `open: ${target}`,
        );
      }
      assert.equal(await s.close(), 0, s.stderr());
    });
});

test('a server whose starter is killed does not go on serving', async (t) => {
  for (const sandbox of ['none', 'bwrap', 'landlock'])
    await t.test(`--sandbox ${sandbox}`, async (t) => {
      const s = startQfsd(t, scratch(t, 'sandbox'), { sandbox });
      await s.client.attach();
      process.kill(s.pid, 'SIGKILL');
      assert.equal(await s.client.next(), undefined, 'still connected');
      assert.equal(await s.exit, 'SIGKILL');
    });
});
