// SPDX-License-Identifier: MIT
import assert from 'node:assert/strict';
import {
  chmodSync,
  chownSync,
  closeSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  cannotMount,
  leftovers,
  ninefold,
  nodeProgram,
  type Ran,
  type Running,
  run,
  start,
} from '../../../test/helpers/cli.ts';
import { TOP } from '../../../test/helpers/places.ts';
import { Raw9p } from '../../../test/helpers/raw9p.ts';
import { startQfsd } from '../../../test/helpers/server.ts';
import { EIO, EPERM, EROFS } from '../../base/errno.ts';
import { O_RDONLY } from '../../base/sys.ts';
import { netSys } from '../../linux/net.ts';
import { T } from '../../p9/messages.ts';

const asRoot = process.geteuid?.() === 0;
const NOBODY = 65534;

function ground(t: TestContext): { dir: string; share: string; sock: string } {
  const dir = mkdtempSync(join(tmpdir(), 'ninefold-serve-'));
  const share = join(dir, 'share');
  mkdirSync(share);
  writeFileSync(join(share, 'hello'), 'world');
  t.after(async () => {
    const left = await leftovers(dir);
    rmSync(dir, { recursive: true, force: true });
    assert.deepEqual(left, [], 'nothing is left running');
  });
  return { dir, share, sock: join(dir, 's.sock') };
}

/** `ninefold serve` that listens already. Unconfined unless said otherwise: the sandbox has tests of its own. */
async function listening(g: { share: string; sock: string }, ...args: string[]): Promise<Running> {
  const serve = start(
    nodeProgram(
      'ninefold',
      'serve',
      g.share,
      '--listen',
      `unix:${g.sock}`,
      '--sandbox',
      'none',
      '--log-level',
      'info',
      ...args,
    ),
  );
  await serve.says(/sharing .* on unix:/);
  return serve;
}

const client = (sock: string): Raw9p => new Raw9p(connect(sock));

async function readHello(c: Raw9p): Promise<string> {
  await c.attach();
  await c.walk(0, 1, 'hello');
  await c.call(T.lopen, { fid: 1, flags: O_RDONLY });
  return Buffer.from((await c.call(T.read, { fid: 1, offset: 0, count: 100 })).data).toString();
}

async function stop(serve: Running): Promise<Ran> {
  serve.child.kill('SIGTERM');
  return serve.ended;
}

for (const sandbox of ['none', 'bwrap', 'landlock'] as const) {
  test(`qfsd --sandbox ${sandbox}: serves, and ends with 0 at the end of file`, async (t) => {
    const g = ground(t);
    const s = startQfsd(t, g.share, { sandbox, args: ['--stats'] });
    try {
      assert.equal(await readHello(s.client), 'world');
    } catch (error) {
      if (s.stderr().includes('cannot confine')) return t.skip(s.stderr().trim());
      throw error;
    }
    // What was asked for is what it became, under the same process id.
    const command = readFileSync(`/proc/${s.pid}/cmdline`, 'utf8').split('\0')[0] ?? '';
    assert.match(command, sandbox === 'bwrap' ? /bwrap$/ : /node/);
    assert.equal(await s.close(), 0);
    const stats = JSON.parse(s.stderr()) as { requests: number; operations: Record<string, number> };
    assert.equal(stats.operations.read, 1);
    assert.equal(stats.requests, 5);
  });

  test(`qfsd --sandbox ${sandbox}: ended by its process id, nothing of it goes on`, async (t) => {
    const g = ground(t);
    const s = startQfsd(t, g.share, { sandbox });
    if ((await s.client.version()) === undefined) return t.skip(s.stderr().trim());
    process.kill(s.pid, 'SIGTERM');
    assert.ok([143, 'SIGTERM'].includes(await s.exit));
    assert.equal(await s.client.next(), undefined, 'the connection is closed, not left hanging');
    s.client.close();
  });
}

test('SIGUSR1 asks for counters and ends nothing', async (t) => {
  const g = ground(t);
  const s = startQfsd(t, g.share, { sandbox: 'none', args: ['--stats'] });
  await s.client.version();
  process.kill(s.pid, 'SIGUSR1');
  for (let i = 0; i < 200 && s.stderr() === ''; i++) await sleep(10);
  assert.equal((JSON.parse(s.stderr()) as { requests: number }).requests, 1);
  assert.equal(await readHello(s.client), 'world');
  assert.equal(await s.close(), 0);
});

test('qfsd keeps the original’s exit codes: 64 before the conversation, 8 when it is broken off', async (t) => {
  const g = ground(t);
  writeFileSync(join(g.dir, 'file'), '');
  for (const [args, words] of [
    [[], /it takes READFD, WRITEFD and PATH/],
    [['0', '1'], /it takes READFD/],
    [['0', '1', g.share, 'more'], /it takes READFD/],
    [['x', '1', g.share], /descriptor to read must be a number/],
    [['3', '4', g.share], /descriptor 3: it is not open/],
    [['0', '1', g.share, '--nonsense'], /Unknown option '--nonsense'/],
    [['0', '1', g.share, '--deny', 'nothing'], /there is no operation "nothing"/],
  ] as const)
    line(await run(nodeProgram('qfsd', ...args)), 64, words);
  for (const [path, words] of [
    [join(g.dir, 'none'), /cannot share .*none: no such file or folder/],
    [join(g.dir, 'file'), /file: it is not a folder/],
    [join(g.dir, 'file/x'), /not a folder/],
  ] as const)
    line(await run(nodeProgram('qfsd', '3', '3', path), { fds: ['pipe'] }), 64, words);
  const fd = openSync(join(g.dir, 'file'), 'r+');
  line(
    await run(nodeProgram('qfsd', '3', '3', g.share), { fds: [fd] }),
    64,
    /descriptor 3: it is a regular file/,
  );
  closeSync(fd);

  const s = startQfsd(t, g.share, { sandbox: 'none' });
  await s.client.version();
  s.client.send(new Uint8Array([3, 0, 0, 0, 1, 2, 3]));
  assert.equal(await s.exit, 8);
  assert.match(s.stderr(), /^qfsd: warn: [^\n]+\n$/);
  s.client.close();
});

/** One line, no stack trace. */
function line(r: Ran, code: number, words: RegExp): void {
  assert.equal(r.code, code, r.stderr);
  assert.match(r.stderr, words);
  assert.match(r.stderr, /^(?:qfsd|ninefold): [^\n]+: [^\n]+; [^\n]+\n$/);
}

test('a folder that cannot be shared, and why', async (t) => {
  const g = ground(t);
  writeFileSync(join(g.dir, 'file'), '');
  symlinkSync('loop', join(g.dir, 'loop'));
  const serve = (path: string, how = {}): Promise<Ran> =>
    ninefold(['serve', path, '--listen', `unix:${g.sock}`], how);
  line(
    await serve(join(g.dir, 'none')),
    66,
    /cannot share .*none: no such file or folder \(ENOENT\); name a folder that exists/,
  );
  line(await serve(join(g.dir, 'file')), 66, /it is not a folder/);
  line(await serve(join(g.dir, 'loop')), 66, /ELOOP/);
  line(await serve(''), 66, /a path that is empty/);
  assert.ok(!existsSync(g.sock));
  if (!asRoot) return;
  chmodSync(g.dir, 0o755);
  chmodSync(g.share, 0o700);
  line(
    await serve(g.share, { uid: NOBODY }),
    77,
    /permission denied \(EACCES\); share a folder that you may read/,
  );
});

test('a folder on a dead file system', async (t) => {
  const reason = cannotMount();
  if (reason !== undefined) return t.skip(reason);
  const g = ground(t);
  const mnt = join(g.dir, 'mnt');
  mkdirSync(mnt);
  // /dev/fuse of a mount that nobody serves any more.
  const dead = `exec 9<>/dev/fuse && mount -i -t fuse -o fd=9,rootmode=40000,user_id=0,group_id=0 dead ${mnt} && exec 9>&-`;
  const made = await run(['/bin/sh', '-c', dead]);
  assert.equal(made.code, 0, made.stderr);
  t.after(() => run(['umount', '-l', mnt]));
  const r = await ninefold(['serve', mnt, '--listen', `unix:${g.sock}`]);
  line(r, 66, /its file system says: not connected \(ENOTCONN\); mount it again/);
  assert.equal((await run(['umount', mnt])).code, 0);
});

test('a folder whose file system does not answer', async (t) => {
  const reason = cannotMount();
  if (reason !== undefined) return t.skip(reason);
  const g = ground(t);
  const mnt = join(g.dir, 'mnt');
  mkdirSync(mnt);
  // Mounted, and never read from: every access waits.
  const silent = start([
    '/bin/sh',
    '-c',
    `exec 9<>/dev/fuse && mount -i -t fuse -o fd=9,rootmode=40000,user_id=0,group_id=0 silent ${mnt} && echo up >&2 && exec sleep 100`,
  ]);
  await silent.says(/up/);
  const r = await ninefold(['serve', mnt, '--listen', `unix:${g.sock}`]);
  silent.child.kill();
  await silent.ended;
  await run(['umount', '-l', mnt]);
  line(r, 66, /its file system gave no answer for \d+ s; mount it again/);
});

test('listening: many clients, each with a process of its own; SIGTERM ends all and takes the socket away', async (t) => {
  const g = ground(t);
  const serve = await listening(g, '--stats');
  assert.equal(statSync(g.sock).mode & 0o7777, 0o600);
  const clients = [client(g.sock), client(g.sock), client(g.sock)];
  for (const c of clients) assert.equal(await readHello(c), 'world');
  clients[0]?.close();
  serve.child.kill('SIGUSR1');
  await serve.says(/"accepted":3.*"open":[23]/);
  await serve.says(/"operations":\{[^}]*"read":1/);
  const r = await stop(serve);
  assert.equal(r.code, 143);
  assert.ok(!existsSync(g.sock));
  for (const c of clients.slice(1)) assert.equal(await c.next(), undefined);
});

test('--max-connections: one more is refused, and another is taken when one has ended', async (t) => {
  const g = ground(t);
  const serve = await listening(g, '--max-connections', '1');
  const first = client(g.sock);
  await first.version();
  const second = client(g.sock);
  assert.equal(await second.next(), undefined);
  await serve.says(/refused a connection: 1 are open/);
  first.close();
  let third = client(g.sock);
  for (let i = 0; i < 100 && (await third.version()) === undefined; i++, third = client(g.sock))
    await sleep(20);
  assert.equal(await readHello(third), 'world');
  third.close();
  await stop(serve);
});

test('no descriptors for one more server process: that client is refused, and the others are served', async (t) => {
  const g = ground(t);
  const serve = await listening(g, '--max-connections', '100');
  const limit = `--nofile=${readdirSync(`/proc/${serve.child.pid}/fd`).length + 10}:`;
  assert.equal((await run(['prlimit', '--pid', String(serve.child.pid), limit])).code, 0);
  const clients = [client(g.sock)];
  assert.equal(await readHello(clients[0] as Raw9p), 'world');
  for (let last = clients[0] as Raw9p; clients.length < 100; clients.push(last)) {
    last = client(g.sock);
    if ((await last.version()) === undefined) break;
  }
  await serve.says(/cannot start a server process: .*EMFILE/);
  assert.equal((await clients[0]?.walk(0, 2, 'hello'))?.errno, 0);
  for (const c of clients.slice(1)) c.close();
  let again = client(g.sock);
  for (let i = 0; i < 100 && (await again.version()) === undefined; i++, again = client(g.sock))
    await sleep(20);
  assert.equal(await readHello(again), 'world');
  again.close();
  clients[0]?.close();
  assert.equal((await stop(serve)).code, 143);
});

test('a second server on the same socket is refused; a stale socket is taken over; the mode is as asked', async (t) => {
  const g = ground(t);
  const first = await listening(g, '--socket-mode', '0660');
  assert.equal(statSync(g.sock).mode & 0o7777, 0o660);
  line(await ninefold(['serve', g.share, '--listen', `unix:${g.sock}`]), 69, /another server listens there/);
  first.child.kill('SIGKILL');
  await first.ended;
  assert.ok(existsSync(g.sock));
  const second = await listening(g);
  const c = client(g.sock);
  assert.equal(await readHello(c), 'world');
  c.close();
  await stop(second);
});

test('when the supervisor is killed outright, its workers end too', async (t) => {
  const g = ground(t);
  const serve = await listening(g);
  const c = client(g.sock);
  assert.equal(await readHello(c), 'world');
  serve.child.kill('SIGKILL');
  await serve.ended;
  assert.equal(await c.next(), undefined);
});

test('sockets from systemd: LISTEN_FDS and LISTEN_PID', async (t) => {
  const g = ground(t);
  // As systemd does: bound here, never accepted from here.
  const fd = netSys.listen({ kind: 'unix', path: g.sock }, 8, 0o600);
  t.after(() => closeSync(fd));
  const script = 'LISTEN_PID=$$ LISTEN_FDS=1 exec "$@"';
  const serve = start(
    [
      '/bin/sh',
      '-c',
      script,
      'sh',
      ...nodeProgram('ninefold', 'serve', g.share, '--sandbox', 'none', '--log-level', 'info'),
    ],
    { fds: [fd] },
  );
  await serve.says(/sharing .* on systemd socket 3/);
  const c = client(g.sock);
  assert.equal(await readHello(c), 'world');
  await stop(serve);
  assert.ok(existsSync(g.sock), 'the name is systemd’s to take away');
  c.close();
});

test('what the options say holds on the wire', async (t) => {
  const g = ground(t);
  symlinkSync('hello', join(g.share, 'link'));
  const s = startQfsd(t, g.share, {
    sandbox: 'none',
    args: ['--read-only', '--no-symlinks', '--deny', 'statfs'],
  });
  await s.client.attach();
  assert.equal((await s.client.call(T.mkdir, { fid: 0, dfid: 0, name: 'd', mode: 0o755 })).errno, EROFS);
  assert.equal((await s.client.call(T.statfs, { fid: 0 })).errno, EPERM);
  assert.notEqual((await s.client.walk(0, 1, 'link')).errno, 0);
  assert.notEqual((await s.client.walk(0, 2, 'hello')).errno, EIO);
  assert.equal(await s.close(), 0);

  const byEnvironment = startQfsd(t, g.share, { sandbox: 'none', env: { NINEFOLD_READ_ONLY: '1' } });
  await byEnvironment.client.attach();
  assert.equal((await byEnvironment.client.call(T.mkdir, { dfid: 0, name: 'd', mode: 0o755 })).errno, EROFS);
  assert.equal(await byEnvironment.close(), 0);
});

test('as root, requests act as the user who attached, groups from /etc/group', async (t) => {
  if (!asRoot) return t.skip('needs root');
  const g = ground(t);
  chmodSync(g.dir, 0o755);
  writeFileSync(join(g.share, 'secret'), 'x', { mode: 0o600 });
  chownSync(g.share, NOBODY, NOBODY);
  for (const sandbox of ['none', 'bwrap']) {
    const s = startQfsd(t, g.share, { sandbox });
    if ((await s.client.version()) === undefined) return t.skip(s.stderr().trim());
    await s.client.attach(NOBODY);
    await s.client.walk(0, 1, 'secret');
    assert.equal((await s.client.call(T.lopen, { fid: 1, flags: O_RDONLY })).errno, 13);
    await s.client.walk(0, 2);
    await s.client.call(T.lcreate, {
      fid: 2,
      name: `by-${sandbox}`,
      flags: 0o1 | 0o100,
      mode: 0o644,
      gid: NOBODY,
    });
    assert.equal(statSync(join(g.share, `by-${sandbox}`)).uid, NOBODY);
    assert.equal(await s.close(), 0);
  }
});

test('--help, --version', async () => {
  for (const command of [[], ['serve'], ['mount'], ['unmount'], ['list']]) {
    const r = await ninefold([...command, '--help']);
    assert.equal(r.code, 0);
    assert.match(r.stdout, /^Usage: ninefold/);
    assert.match(r.stdout, /Examples?:/);
  }
  const { version } = JSON.parse(readFileSync(join(TOP, 'package.json'), 'utf8')) as { version: string };
  assert.equal((await ninefold(['--version'])).stdout, `${version}\n`);
  assert.equal((await run(nodeProgram('qfsd', '--version'))).stdout, `${version}\n`);
  assert.match((await run(nodeProgram('qfsd', '--help'))).stdout, /^Usage: qfsd READFD WRITEFD PATH/);
  const none = await ninefold([]);
  assert.equal(none.code, 64);
});
