// SPDX-License-Identifier: MIT
import assert from 'node:assert/strict';
import { closeSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { inChild, scratch, sys } from '../../test/helpers/linux.ts';
import { ringFilter } from './seccomp.ts';

const PRELUDE = `
  import { spawnSync } from 'node:child_process';
  import { readFileSync, writeFileSync, unlinkSync } from 'node:fs';
  import { readFile } from 'node:fs/promises';
  import { connect, createServer } from 'node:net';
  import { Worker } from 'node:worker_threads';
  const { refuseNeedlessCalls } = await import(modules + 'seccomp.js');
  const { declare, asyncOf, ret } = await import(modules + 'libc.js');
`;

/** Starts what follows it without io_uring, as the sandboxes do: with one of Node's own, it could not go on after the filter. */
const WITHOUT_RINGS = [
  process.execPath,
  '--input-type=module',
  '-e',
  `const modules = ${JSON.stringify(new URL('./', import.meta.url).href)};
   const { refuseRings } = await import(modules + 'seccomp.js');
   const { setCloseOnExec } = await import(modules + 'descriptors.js');
   const { execve } = await import(modules + 'process.js');
   const r = refuseRings();
   if (r < 0) throw new Error('refused: ' + r);
   for (const fd of [0, 1, 2]) setCloseOnExec(fd, false);
   execve(process.argv[1], process.argv.slice(1), process.env);`,
  '--',
];

test('what is started without io_uring makes none, and works', () => {
  const seen = inChild(
    `import { readdirSync, readlinkSync } from 'node:fs';
    import { createServer, connect } from 'node:net';
    const { c, ret } = await import(modules + 'libc.js');
    const server = createServer((s) => s.end('x')).listen(0, '127.0.0.1');
    const heard = await new Promise((ok) => server.on('listening', () => connect(server.address().port, '127.0.0.1').on('data', (d) => ok(String(d)))));
    const links = readdirSync('/proc/self/fd').map((n) => { try { return readlinkSync('/proc/self/fd/' + n); } catch { return ''; } });
    console.log(JSON.stringify({ heard, rings: links.filter((l) => l.includes('io_uring')), again: ret(c.syscall(425, 1, 0, 0, 0, 0)) }));
    process.exit(0);`,
    { via: WITHOUT_RINGS },
  );
  assert.deepEqual(seen, { heard: 'x', rings: [], again: -38 });
});

test('the filter as bytes: whole, and the end after it', () => {
  const fd = ringFilter();
  const bytes = readFileSync(fd);
  closeSync(fd);
  // Four instructions: load the number, is it 425, ENOSYS, let through.
  assert.equal(
    bytes.toString('hex'),
    '2000000000000000' + '15000001a9010000' + '0600000026000500' + '060000000000ff7f',
  );
});

test('after the filter: no programs, sockets, signals to others; files and threads as before', (t) => {
  const s = scratch(t);
  const seen = inChild(
    `${PRELUDE}
    const file = ${JSON.stringify(s.path('f'))};
    // The pool's threads exist before the filter.
    await readFile('/proc/self/status');
    const socket = declare('socket', ['int', 'int', 'int']);
    const kill = declare('kill', ['int', 'int']);
    const unshare = declare('unshare', ['int']);
    const fork = declare('fork', []);
    const syscall = declare('syscall', ['long', 'long', 'long', 'long'], 'int64_t');
    const before = [socket(1, 1, 0) > 0, ret(kill(process.ppid, 0))];
    const r = refuseNeedlessCalls();
    const listened = await new Promise((ok) => createServer().on('error', (e) => ok(e.code)).listen(0, '127.0.0.1', () => ok('listening')));
    const connected = await new Promise((ok) => connect('/nonexistent').on('error', (e) => ok(e.code)));
    const onPool = await new Promise((ok) => asyncOf(socket)(1, 1, 0, (e, n) => ok(ret(n))));
    writeFileSync(file, 'x');
    const read = await readFile(file, 'utf8');
    unlinkSync(file);
    const thread = await new Promise((ok) => new Worker(new URL('data:text/javascript,import { parentPort } from "node:worker_threads"; parentPort.postMessage(6 * 7)')).on('message', ok).on('error', (e) => ok(String(e))));
    const status = readFileSync('/proc/self/status', 'utf8');
    console.log(JSON.stringify({
      before, r, listened, connected, onPool, read, thread,
      spawned: spawnSync('true').error?.code,
      fork: ret(fork()), unshare: ret(unshare(0)), socket: ret(socket(1, 1, 0)), udp: ret(socket(2, 2, 0)),
      kill: ret(kill(process.ppid, 0)), self: ret(syscall(process.arch === 'x64' ? 234 : 131, process.pid, process.pid, 0)),
      other: ret(syscall(process.arch === 'x64' ? 234 : 131, process.ppid, process.ppid, 0)),
      seccomp: /^Seccomp:\\s*(\\d)/m.exec(status)[1], nnp: /^NoNewPrivs:\\s*(\\d)/m.exec(status)[1],
    }));
    process.exit(0);`,
    { via: WITHOUT_RINGS },
  ) as Record<string, unknown>;
  assert.deepEqual(seen, {
    before: [true, 0],
    r: 0,
    listened: 'EPERM',
    connected: 'EPERM',
    onPool: -1,
    read: 'x',
    thread: 42,
    spawned: 'EPERM',
    fork: -1,
    unshare: -1,
    socket: -1,
    udp: -1,
    kill: -1,
    self: 0,
    other: -1,
    seccomp: '2',
    nnp: '1',
  });
});

test('after the filter: nothing that reaches into another process or shares memory with it by a number', (t) => {
  const s = scratch(t);
  // Each without effect if it is let through: its own value again, a name that is not there, an argument that makes no sense.
  const seen = inChild(
    `
    const { refuseNeedlessCalls } = await import(modules + 'seccomp.js');
    const { c, ret } = await import(modules + 'libc.js');
    const { alloc } = await import(modules + 'memory.js');
    const { openSync } = await import('node:fs');
    const file = openSync(${JSON.stringify(s.path('f'))}, 'w+');
    const x64 = process.arch === 'x64';
    const mem = alloc(4096);
    const name = alloc(64);
    name.cstring('ninefold-not-there');
    const call = (numbers, ...args) => ret(c.syscall(numbers[x64 ? 0 : 1], ...[...args, 0, 0, 0, 0, 0].slice(0, 5)));
    const NOFILE = 7;
    const KEY = 0x4e394e39;
    const tries = {
      limit: () => call([302, 261], process.ppid, NOFILE, 0, mem.address),
      priority: () => call([141, 140], 9, process.ppid, 0),
      affinity: () => call([203, 122], process.ppid, 0, mem.address),
      policy: () => call([144, 119], process.ppid, -1, mem.address),
      parameters: () => call([142, 118], process.ppid, 0),
      attributes: () => call([314, 274], process.ppid, 0, 0),
      io: () => call([251, 30], 9, process.ppid, 0),
      pages: () => call([279, 239], process.ppid, 0, 0, 0, 0),
      robust: () => call([274, 100], process.ppid, 0, 0),
      release: () => call([448, 448], -1, 0),
      shm: () => call([29, 194], KEY, 0, 0),
      shmAt: () => call([30, 196], -1, 0, 0),
      sem: () => call([64, 190], KEY, 0, 0),
      msg: () => call([68, 186], KEY, 0),
      mq: () => call([240, 180], name.address, 0, 0, 0),
      owner: () => call([72, 25], file, 8, process.ppid),
      signal: () => call([72, 25], file, 10, 0),
      ownerByIoctl: () => call([16, 29], file, 0x8901, mem.address),
    };
    const before = Object.entries(tries).filter(([, f]) => f() === -1).map(([n]) => n);
    const r = refuseNeedlessCalls();
    const through = Object.entries(tries).filter(([, f]) => f() !== -1).map(([n]) => n);
    const own = [call([302, 261], 0, NOFILE, 0, mem.address), call([72, 25], file, 3), call([16, 29], file, 0x5451)];
    console.log(JSON.stringify({ before, r, through, own: own.map((n) => n >= 0) }));
    process.exit(0);`,
    { via: WITHOUT_RINGS },
  );
  assert.deepEqual(seen, { before: [], r: 0, through: [], own: [true, true, true] });
});

test('the other identity of a client still works, becoming it for good does not', (t) => {
  if (sys.geteuid() !== 0) return t.skip('changing identity needs root');
  const seen = inChild(
    `${PRELUDE}
    const { openSys } = await import(modules + 'index.js');
    const { becomeUser } = await import(modules + 'process.js');
    const { mount } = await import(modules + 'mount.js');
    const sys = openSys();
    refuseNeedlessCalls();
    console.log(JSON.stringify([sys.setFsIdentity(1000, 1000, [5]), sys.setFsIdentity(0, 0, []), becomeUser(1000, 1000, []), mount('x', '/', 'tmpfs', 0, '')]));`,
    { via: WITHOUT_RINGS },
  );
  assert.deepEqual(seen, [0, 0, -1, -1]);
});

test('a program that gives up is still ended by its signal', () => {
  const code = `${PRELUDE} refuseNeedlessCalls(); process.abort();`;
  const via = ['sh', '-c', 'ulimit -c 0; exec "$@"', 'sh', ...WITHOUT_RINGS];
  assert.throws(() => inChild(code, { via }), /SIGABRT|status 134/);
});
