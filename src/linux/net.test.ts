// SPDX-License-Identifier: MIT
import assert from 'node:assert/strict';
import { lstatSync } from 'node:fs';
import { createServer } from 'node:net';
import { test } from 'node:test';
import { cstr, scratch, sys, text } from '../../test/helpers/linux.ts';
import { EAGAIN, EBADF, ECONNREFUSED, EINVAL, ENOENT } from '../base/errno.ts';
import { O_CREAT, O_PATH, O_RDWR, POLLIN, POLLOUT } from '../base/sys.ts';
import {
  closeOnExec,
  getPipeSize,
  setCloseOnExec,
  setNonblocking,
  setPipeSize,
  statusFlags,
} from './descriptors.ts';
import * as net from './net.ts';
import { recvFd, sendFd } from './passing.ts';
import { CID_ANY, CID_LOCAL, getAddress, putAddress, SOCKADDR_MAX, type SocketAddress } from './sockaddr.ts';

function pair(): [number, number] {
  const p: [number, number] = [-1, -1];
  assert.equal(net.socketpair(p), 0);
  return p;
}

/** Connects, accepts, sends one word both ways; returns the server's side of what it saw. */
function converse(listener: number, to: SocketAddress): void {
  assert.equal(net.isListening(listener), 1);
  assert.equal(net.accept(listener), -EAGAIN);
  const client = net.connectStart(to);
  assert.ok(client > 2, `${client}`);
  const pollfd = sys.alloc(8);
  pollfd.dv.setInt32(0, client, true);
  pollfd.dv.setUint32(4, POLLOUT, true);
  assert.equal(sys.poll(pollfd, 1, 5000), 1);
  assert.equal(net.connectResult(client), 0);
  const served = net.accept(listener);
  assert.ok(served > 2, `${served}`);
  assert.equal(statusFlags(served) & 0o4000, 0);
  assert.equal(net.isListening(served), 0);
  assert.equal(closeOnExec(served), 1);
  const m = sys.alloc(8);
  assert.equal(sys.send(client, cstr('ping'), 0, 4), 4);
  assert.equal(sys.read(served, m, 0, 8), 4);
  assert.equal(text(m, 0, 4), 'ping');
  assert.equal(net.shutdown(served, net.SHUT_RDWR), 0);
  assert.equal(sys.poll(pollfd, 1, 5000), 1);
  assert.equal(sys.recv(client, m, 0, 8), 0);
  for (const fd of [client, served, listener]) sys.close(fd);
}

test('a Unix socket: its mode, its peer, its conversation', (t) => {
  const s = scratch(t);
  const at: SocketAddress = { kind: 'unix', path: s.path('s') };
  assert.equal(net.connectStart(at), -ENOENT);
  const listener = net.listen(at, 4, 0o620);
  assert.ok(listener > 2, `${listener}`);
  assert.equal(lstatSync(s.path('s')).mode & 0o777, 0o620);
  assert.deepEqual(net.localAddress(listener), at);
  converse(listener, at);
  assert.equal(net.connectStart(at), -ECONNREFUSED);
  assert.equal(net.listen({ kind: 'unix', path: `/${'x'.repeat(200)}` }, 1, 0o600), -EINVAL);
  assert.equal(net.listen({ kind: 'unix', path: s.path('s') }, 1, 0o600), -98);
});

test('a full queue of a Unix socket says EAGAIN', (t) => {
  const s = scratch(t);
  const at: SocketAddress = { kind: 'unix', path: s.path('s') };
  const fds = [net.listen(at, 0, 0o600)];
  let last = 0;
  for (let i = 0; i < 10 && last >= 0; i++) {
    last = net.connectStart(at);
    if (last >= 0) fds.push(last);
  }
  assert.equal(last, -EAGAIN);
  for (const fd of fds) sys.close(fd);
});

test('TCP on the loopback, IPv4 and IPv6', (t) => {
  for (const [family, host] of [
    [4, '127.0.0.1'],
    [6, '::1'],
  ] as const) {
    const listener = net.listen({ kind: 'tcp', family, address: host, port: 0 }, 4, 0);
    if (family === 6 && listener < 0) return t.skip('this machine has no IPv6');
    const at = net.localAddress(listener);
    assert.ok(typeof at === 'object' && at.kind === 'tcp' && at.port > 0, JSON.stringify(at));
    assert.equal(at.address, host);
    const probe = net.connectStart(at);
    assert.equal(net.setNoDelay(probe), 0);
    assert.equal(net.setBuffers(probe, 65536, 65536), 0);
    sys.close(probe);
    sys.close(net.accept(listener));
    converse(listener, at);
  }
});

test('a refused TCP connection is told by its result', async () => {
  const port = await new Promise<number>((ok) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const a = server.address();
      server.close(() => ok(typeof a === 'object' && a !== null ? a.port : 0));
    });
  });
  const fd = net.connectStart({ kind: 'tcp', family: 4, address: '127.0.0.1', port });
  const result = fd < 0 ? fd : net.connectResult(fd);
  assert.equal(result, -ECONNREFUSED);
  if (fd >= 0) sys.close(fd);
});

test('vsock on this machine', (t) => {
  const port = 40_000 + (process.pid % 20_000);
  const listener = net.listen({ kind: 'vsock', cid: CID_ANY, port }, 4, 0);
  if (listener < 0) return t.skip(`this kernel has no vsock (errno ${-listener})`);
  const probe = net.connectStart({ kind: 'vsock', cid: CID_LOCAL, port });
  const pollfd = sys.alloc(8);
  pollfd.dv.setInt32(0, listener, true);
  pollfd.dv.setUint32(4, POLLIN, true);
  const reached = probe >= 0 && sys.poll(pollfd, 1, 300) === 1;
  if (probe >= 0) sys.close(probe);
  if (!reached) {
    sys.close(listener);
    return t.skip('needs the module vsock_loopback');
  }
  sys.close(net.accept(listener));
  converse(listener, { kind: 'vsock', cid: CID_LOCAL, port });
});

test('who is at the other end of a Unix socket', () => {
  const [a, b] = pair();
  assert.deepEqual(net.peerCred(a), { pid: process.pid, uid: process.geteuid?.(), gid: process.getegid?.() });
  assert.equal(net.socketType(a), 1);
  sys.close(a);
  sys.close(b);
  assert.equal(net.peerCred(a), -EBADF);
});

test('a descriptor passed over a socket is the same open file', (t) => {
  const s = scratch(t);
  const file = s.open('f', O_RDWR | O_CREAT);
  const [a, b] = pair();
  assert.equal(sendFd(a, file), 0);
  const got = recvFd(b);
  assert.ok(got > 2 && got !== file);
  assert.equal(closeOnExec(got), 1);
  sys.write(file, cstr('abc'), 0, 3);
  assert.equal(sys.lseek(got, 0, 1), 3);
  sys.close(got);
  sys.write(a, cstr('x'), 0, 1);
  assert.equal(recvFd(b), -71);
  assert.equal(sendFd(a, -1), -EBADF);
  sys.close(a);
  assert.equal(recvFd(b), -104);
  sys.close(b);
});

test('flags and sizes of descriptors', (t) => {
  const s = scratch(t);
  const ends: [number, number] = [-1, -1];
  assert.equal(net.pipe(ends), 0);
  assert.equal(setPipeSize(ends[0], 100_000), 131_072);
  assert.equal(getPipeSize(ends[1]), 131_072);
  assert.equal(setNonblocking(ends[0], true), 0);
  assert.equal(sys.read(ends[0], sys.alloc(1), 0, 1), -EAGAIN);
  assert.equal(setNonblocking(ends[0], false), 0);
  assert.equal(statusFlags(ends[0]) & 0o4000, 0);
  assert.equal(closeOnExec(ends[0]), 1);
  assert.equal(setCloseOnExec(ends[0], false), 0);
  assert.equal(closeOnExec(ends[0]), 0);
  assert.notEqual(statusFlags(s.open('.', O_PATH)) & O_PATH, 0);
  for (const fd of ends) sys.close(fd);
  assert.equal(statusFlags(ends[0]), -EBADF);
  assert.equal(setNonblocking(ends[0], true), -EBADF);
  assert.equal(net.isListening(s.open('f', O_RDWR | O_CREAT)), 0);
});

test('addresses as bytes: literal, and back', () => {
  const m = sys.alloc(SOCKADDR_MAX);
  const bytes = (a: SocketAddress): string => Buffer.from(m.u8.subarray(0, putAddress(m, a))).toString('hex');
  assert.equal(bytes({ kind: 'unix', path: '/s' }), '01002f7300');
  assert.equal(
    bytes({ kind: 'tcp', family: 4, address: '127.0.0.1', port: 564 }),
    '020002347f0000010000000000000000',
  );
  assert.equal(
    bytes({ kind: 'tcp', family: 6, address: '2001:db8::ff00:42:8329', port: 1 }),
    '0a0000010000000020010db8000000000000ff000042832900000000',
  );
  assert.equal(bytes({ kind: 'vsock', cid: 3, port: 5640 }), `28000000${'08160000'}${'03000000'}00000000`);
  for (const a of [
    { kind: 'unix', path: '/a/b' },
    { kind: 'unix', path: '\0abstract' },
    { kind: 'tcp', family: 4, address: '10.1.2.3', port: 65535 },
    { kind: 'tcp', family: 6, address: '::1', port: 7 },
    { kind: 'tcp', family: 6, address: '::ffff:a01:203', port: 7 },
    { kind: 'vsock', cid: CID_ANY, port: 0xffffffff },
  ] as const)
    assert.deepEqual(getAddress(m, putAddress(m, a)), a);
  for (const a of [
    { kind: 'unix', path: '' },
    { kind: 'unix', path: 'a\0b' },
    { kind: 'unix', path: 'x'.repeat(108) },
    { kind: 'tcp', family: 4, address: 'localhost', port: 1 },
    { kind: 'tcp', family: 4, address: '127.0.0.1', port: 65536 },
    { kind: 'tcp', family: 6, address: 'fe80::1%eth0', port: 1 },
  ] as const)
    assert.equal(putAddress(m, a), 0, JSON.stringify(a));
});
