// SPDX-License-Identifier: MIT
import assert from 'node:assert/strict';
import {
  closeSync,
  existsSync,
  openSync,
  readFileSync,
  readSync,
  statSync,
  unlinkSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { scratch } from '../../test/helpers/places.ts';
import { EAGAIN } from '../base/errno.ts';
import { pipe as makePipe } from '../linux/descriptors.ts';
import { openSys } from '../linux/index.ts';
import { netSys } from '../linux/net.ts';
import type { Channel } from './channel.ts';
import { parseListen } from './listen.ts';
import { adoptListener, openListener } from './listener.ts';
import { OPEN_DEFAULTS, openChannel } from './open.ts';
import { parseSource, type Source } from './source.ts';
import type { TransportSys } from './sys.ts';

const sys: TransportSys = { ...openSys(), ...netSys };
const options = { ...OPEN_DEFAULTS, patienceMs: 500 };

/** Writes to one end and reads from the other, both ways: the descriptors block, so nothing need be awaited. */
function talk(channel: Channel, server: number): void {
  writeSync(channel.writeFd, 'ping');
  assert.equal(take(server), 'ping');
  writeSync(server, 'pong!');
  assert.equal(take(channel.readFd), 'pong!');
}

function take(fd: number): string {
  const buffer = Buffer.alloc(64);
  return buffer.toString('utf8', 0, readSync(fd, buffer));
}

async function roundTrip(listen: string, source: string): Promise<void> {
  const at = parseListen(listen, { anyTcp: false });
  assert.ok(at.kind !== 'systemd');
  const listener = await openListener(sys, at, 0o600);
  try {
    assert.equal(netSys.isListening(listener.fd), 1);
    const channel = await openChannel(sys, parseSource(source), options);
    let server = -EAGAIN;
    for (let i = 0; server === -EAGAIN && i < 100; i++) {
      server = sys.accept(listener.fd);
      if (server === -EAGAIN) await sleep(5);
    }
    assert.ok(server >= 0);
    talk(channel, server);
    await channel.close();
    assert.equal(take(server), '', 'the end is seen');
    sys.close(server);
  } finally {
    listener.close();
  }
}

test('a Unix socket: mode 0600, gone after close', async (t) => {
  const path = join(scratch(t, 'unix'), 'x.sock');
  const at = { kind: 'unix', path } as const;
  const listener = await openListener(sys, at, 0o600);
  assert.equal(statSync(path).mode & 0o7777, 0o600);
  listener.close();
  assert.equal(existsSync(path), false);
  await roundTrip(`unix:${path}`, `unix:${path}`);
});

test('a stale Unix socket is replaced, a live one and anything else is not', async (t) => {
  const dir = scratch(t, 'stale');
  const path = join(dir, 'x.sock');
  const at = { kind: 'unix', path } as const;
  const first = await openListener(sys, at, 0o600);
  await assert.rejects(openListener(sys, at, 0o600), { code: 'LISTEN_BUSY', exit: 69 });
  // Someone takes the name away and makes another socket of that name.
  unlinkSync(path);
  const second = await openListener(sys, at, 0o600);
  first.close();
  assert.ok(existsSync(path), 'the name now belongs to the second');
  second.close();
  assert.equal(existsSync(path), false);

  // As after a kill −9: the name stays, nobody listens.
  sys.close(netSys.listen(at, 4, 0o600));
  assert.ok(existsSync(path));
  (await openListener(sys, at, 0o600)).close();
  assert.equal(existsSync(path), false);

  writeFileSync(join(dir, 'file'), 'precious');
  await assert.rejects(openListener(sys, { kind: 'unix', path: join(dir, 'file') }, 0o600), {
    code: 'LISTEN_OCCUPIED',
    exit: 66,
  });
  assert.ok(existsSync(join(dir, 'file')));
  await assert.rejects(openListener(sys, { kind: 'unix', path: join(dir, 'no/x') }, 0o600), {
    code: 'LISTEN_FAILED',
  });
});

test('TCP on the loopback', async () => {
  const port = 20_000 + (process.pid % 20_000);
  await roundTrip(`tcp:127.0.0.1:${port}`, `tcp:localhost:${port}`);
});

test('vsock on the loopback', async (t) => {
  const port = 20_000 + (process.pid % 20_000);
  try {
    await roundTrip(`vsock:${port}`, `vsock:local:${port}`);
  } catch (error) {
    const { code } = error as { code?: string };
    if (code === 'VSOCK_MISSING') return t.skip('needs a kernel with vsock');
    if (code === 'CONNECT_FAILED' || code === 'CONNECT_TIMEOUT')
      return t.skip(`needs the module vsock_loopback: ${(error as Error).message}`);
    throw error;
  }
});

/** A stand-in for Firecracker: answers CONNECT as `reply` says. */
async function vmm(path: string, reply: (line: string, socket: Socket) => void): Promise<() => void> {
  const server = createServer((socket) => {
    socket.on('error', () => {});
    socket.once('data', (d) => reply(d.toString(), socket));
  });
  await new Promise<void>((resolve) => server.listen(path, resolve));
  return () => server.close();
}

test('hybrid vsock: the handshake, then the guest’s bytes untouched', async (t) => {
  const path = join(scratch(t, 'hybrid'), 'v.sock');
  t.after(
    await vmm(path, (line, socket) => {
      assert.equal(line, 'CONNECT 5640\n');
      // One segment: what follows the newline belongs to 9P.
      socket.write('OK 1073741824\nhello');
    }),
  );
  const channel = await openChannel(sys, { kind: 'hybrid-vsock', path, port: 5640 }, options);
  assert.equal(take(channel.readFd), 'hello');
  await channel.close();
});

for (const [name, reply, why] of [
  ['nobody listens in the guest', (_l: string, s: Socket) => s.end(), /nobody listens on that port/],
  ['another protocol', (_l: string, s: Socket) => s.write('HTTP/1.1 400\r\n'), /answered "HTTP/],
  ['an endless answer', (_l: string, s: Socket) => s.write('O'.repeat(4096)), /longer than a line/],
  ['silence', () => {}, /no answer in time/],
] as const)
  test(`hybrid vsock: ${name}`, async (t) => {
    const path = join(scratch(t, 'hybrid'), 'v.sock');
    const sockets: Socket[] = [];
    t.after(
      await vmm(path, (line, socket) => {
        sockets.push(socket);
        reply(line, socket);
      }),
    );
    t.after(() => {
      for (const s of sockets) s.destroy();
    });
    await assert.rejects(openChannel(sys, { kind: 'hybrid-vsock', path, port: 1 }, options), {
      code: 'HYBRID_REFUSED',
      exit: 69,
      why,
    });
  });

test('nobody at the other end: one line, and no descriptor is left', async (t) => {
  const dir = scratch(t, 'nobody');
  const before = lowestFree();
  for (const [source, code, why] of [
    [{ kind: 'unix', path: join(dir, 'none') }, 'CONNECT_FAILED', /ENOENT/],
    [{ kind: 'unix', path: dir }, 'CONNECT_FAILED', /ECONNREFUSED/],
    [{ kind: 'tcp', host: '127.0.0.1', port: 1 }, 'CONNECT_FAILED', /ECONNREFUSED/],
    [{ kind: 'tcp', host: 'nowhere.invalid', port: 1 }, 'HOST_UNKNOWN', /no address/],
    [{ kind: 'fd', readFd: 900, writeFd: 901 }, 'FD_CLOSED', /not open/],
  ] as [Source, string, RegExp][])
    await assert.rejects(openChannel(sys, source, options), { code, why });
  assert.equal(lowestFree(), before);
});

function lowestFree(): number {
  const fd = openSync('/dev/null', 'r');
  closeSync(fd);
  return fd;
}

test('exec: a command on a socket pair', async () => {
  const channel = await openChannel(sys, { kind: 'exec', command: 'cat' }, options);
  writeSync(channel.writeFd, 'through');
  assert.equal(take(channel.readFd), 'through');
  await channel.close();
});

test('exec: the last words of a command that ended', async () => {
  let heard = '';
  const channel = await openChannel(
    sys,
    { kind: 'exec', command: 'echo first >&2; echo no such share >&2; exit 3' },
    { ...options, onStderr: (text) => (heard += text) },
  );
  assert.equal(take(channel.readFd), '');
  assert.equal(await channel.lastWords(), 'sh ended with status 3: no such share');
  assert.equal(heard, 'first\nno such share\n');
  await channel.close();
});

test('exec: how a command ended, however late; of a socket nobody can tell', async (t) => {
  for (const [command, status] of [
    ['exec 0<&- 1<&-; sleep 1.2; exit 3', 3],
    ['kill -9 $$', 137],
    ['exit 0', 0],
  ] as const) {
    const channel = await openChannel(sys, { kind: 'exec', command }, options);
    assert.equal(take(channel.readFd), '');
    assert.equal(await channel.ended(), status);
    assert.equal(await channel.ended(), status);
    await channel.close();
  }
  const pair = netSys.socketPair();
  assert.ok(typeof pair !== 'number');
  t.after(() => closeSync(pair[1]));
  const channel = await openChannel(sys, { kind: 'fd', readFd: pair[0], writeFd: pair[0] }, options);
  assert.equal(await channel.ended(), undefined);
  await channel.close();
});

test('exec: who blocks need not read stderr, however much it is; the end of it is kept', async () => {
  // Ends by itself where it would hang: a blocked test cannot be stopped.
  const command = 'timeout 20 head -c 1000000 /dev/zero >&2; echo done >&2; exit 3';
  const before = performance.now();
  const channel = await openChannel(sys, { kind: 'exec', command }, options);
  assert.equal(take(channel.readFd), '');
  assert.ok(performance.now() - before < 15_000);
  assert.match((await channel.lastWords()) ?? '', /^sh ended with status 3: (\\x00)+done$/);
  await channel.close();
});

test('exec: a command that will not end, and what it started, are ended', async () => {
  const channel = await openChannel(
    sys,
    { kind: 'exec', command: "trap '' TERM; sleep 1000 & echo $$ $!; wait; sleep 1000" },
    options,
  );
  const pids = take(channel.readFd).trim().split(' ').map(Number);
  assert.equal(pids.length, 2);
  await channel.close();
  await channel.close();
  await sleep(50);
  for (const pid of pids) assert.equal(runs(pid), false, `process ${pid} is gone`);
});

/** One that is dead and only waits for a parent to notice does not run. */
function runs(pid: number): boolean {
  const path = `/proc/${pid}/stat`;
  return existsSync(path) && !/\) [ZX] /.test(readFileSync(path, 'latin1'));
}

test('a program that is not installed is named', async () => {
  const ssh = { ...options.ssh, program: 'no-such-ssh' };
  await assert.rejects(openChannel(sys, { kind: 'ssh', host: 'h', path: '/' }, { ...options, ssh }), {
    code: 'SPAWN_FAILED',
    exit: 71,
    why: /not installed/,
  });
});

test('descriptors are looked at before they are used', async (t) => {
  const file = join(scratch(t, 'fds'), 'file');
  writeFileSync(file, '');
  const fd = openSync(file, 'r');
  const pipe = netSys.socketPair();
  assert.ok(typeof pipe !== 'number');
  await assert.rejects(openChannel(sys, { kind: 'fd', readFd: fd, writeFd: pipe[0] }, options), {
    code: 'FD_KIND',
    exit: 78,
  });
  const nothing = openSync('/dev/null', 'r+');
  await assert.rejects(openChannel(sys, { kind: 'fd', readFd: nothing, writeFd: nothing }, options), {
    code: 'FD_KIND',
  });
  const ends: [number, number] = [-1, -1];
  assert.equal(makePipe(ends), 0);
  await assert.rejects(openChannel(sys, { kind: 'fd', readFd: pipe[0], writeFd: ends[0] }, options), {
    code: 'FD_DIRECTION',
    why: /reading only/,
  });
  await assert.rejects(openChannel(sys, { kind: 'fd', readFd: ends[1], writeFd: ends[1] }, options), {
    code: 'FD_DIRECTION',
    why: /writing only/,
  });
  const channel = await openChannel(sys, { kind: 'fd', readFd: pipe[0], writeFd: pipe[0] }, options);
  talk(channel, pipe[1]);
  await channel.close();
  for (const n of [fd, pipe[1], nothing, ...ends]) closeSync(n);
});

test('a descriptor from systemd must listen', async (t) => {
  const pair = netSys.socketPair();
  assert.ok(typeof pair !== 'number');
  assert.throws(() => adoptListener(sys, pair[0]), { code: 'LISTEN_FDS', exit: 78 });
  assert.throws(() => adoptListener(sys, 900), { code: 'LISTEN_FDS' });
  const path = join(scratch(t, 'adopt'), 'x.sock');
  const fd = netSys.listen({ kind: 'unix', path }, 4, 0o600);
  adoptListener(sys, fd).close();
  assert.ok(existsSync(path), 'its name is systemd’s');
  for (const n of pair) closeSync(n);
});
