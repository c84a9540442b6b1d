// SPDX-License-Identifier: MIT

import { lookup } from 'node:dns/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  EACCES,
  EAGAIN,
  ECONNREFUSED,
  EHOSTUNREACH,
  ENODEV,
  ENOENT,
  EPERM,
  ETIMEDOUT,
} from '../base/errno.ts';
import { because, EXIT, type ExitCode, NinefoldError, printable } from '../base/error.ts';
import { POLLIN, POLLOUT } from '../base/sys.ts';
import { HYBRID_REPLY_MAX, hybridReply, hybridRequest } from './hybrid.ts';
import { formatSource, type Source } from './source.ts';
import type { SocketAddress, TransportSys } from './sys.ts';
import { waitFor } from './wait.ts';

/** Not in base/errno.ts, which holds what 9P carries. */
const EAFNOSUPPORT = 97;

export type SocketSource = Extract<Source, { kind: 'unix' | 'tcp' | 'vsock' | 'hybrid-vsock' }>;

/**
 * A connected, blocking socket to a source. Throws NinefoldError: CONNECT_FAILED (exit 69; 77 when permission is what lacks),
 * CONNECT_TIMEOUT (69), HOST_UNKNOWN (69), HYBRID_REFUSED (69), VSOCK_MISSING (71).
 */
export async function connectSocket(
  sys: TransportSys,
  source: SocketSource,
  patienceMs: number,
): Promise<number> {
  const deadline = performance.now() + patienceMs;
  const addresses = await resolveSource(source);
  let failure: unknown;
  for (const address of addresses) {
    try {
      const fd = await connectOne(sys, source, address, deadline);
      if (source.kind !== 'hybrid-vsock') return finish(sys, fd);
      return await greet(sys, fd, source, deadline);
    } catch (error) {
      failure = error;
    }
  }
  throw failure;
}

async function resolveSource(source: SocketSource): Promise<SocketAddress[]> {
  switch (source.kind) {
    case 'unix':
    case 'hybrid-vsock':
      return [{ kind: 'unix', path: source.path }];
    case 'vsock':
      return [source];
    case 'tcp':
      return resolveTcp(source.host, source.port, formatSource(source));
  }
}

/** All addresses of a host, in the resolver's order. Throws NinefoldError HOST_UNKNOWN (exit 69). */
export async function resolveTcp(host: string, port: number, label: string): Promise<SocketAddress[]> {
  try {
    const found = await lookup(host, { all: true });
    return found.map(({ address, family }) => ({ kind: 'tcp', family: family === 6 ? 6 : 4, address, port }));
  } catch (error) {
    throw new NinefoldError({
      code: 'HOST_UNKNOWN',
      exit: EXIT.unavailable,
      what: 'cannot connect to',
      on: printable(label),
      why: `no address is known for ${printable(host)} (${(error as NodeJS.ErrnoException).code ?? 'lookup failed'})`,
      remedy: 'check the name, or write the address',
      cause: error,
    });
  }
}

async function connectOne(
  sys: TransportSys,
  source: SocketSource,
  address: SocketAddress,
  deadline: number,
): Promise<number> {
  let fd = sys.connectStart(address);
  // A Unix socket whose queue is full says so at once instead of making us wait in the kernel.
  while (fd === -EAGAIN && performance.now() < deadline) {
    await sleep(20);
    fd = sys.connectStart(address);
  }
  if (fd === -EAGAIN) throw timeout(source);
  if (fd < 0) throw failed(source, fd);
  if (!(await waitFor(sys, fd, POLLOUT, deadline))) {
    sys.close(fd);
    throw timeout(source);
  }
  const result = sys.connectResult(fd);
  if (result < 0) {
    sys.close(fd);
    throw failed(source, result);
  }
  return fd;
}

/** Firecracker's handshake. Byte by byte: what follows the newline is the guest's and belongs to the data plane. */
async function greet(
  sys: TransportSys,
  fd: number,
  source: SocketSource & { kind: 'hybrid-vsock' },
  deadline: number,
): Promise<number> {
  const refuse = (why: string): NinefoldError => {
    sys.close(fd);
    return new NinefoldError({
      code: 'HYBRID_REFUSED',
      exit: EXIT.unavailable,
      what: 'cannot connect to',
      on: printable(formatSource(source)),
      why,
      remedy: `check that a server listens on vsock port ${source.port} in the guest`,
    });
  };
  const mem = sys.alloc(HYBRID_REPLY_MAX);
  const length = mem.cstring(hybridRequest(source.port));
  // 15 bytes into an empty socket buffer: never a part of it.
  const sent = sys.write(fd, mem, 0, length);
  if (sent !== length) throw refuse(sent < 0 ? because(sent) : 'the request was not taken');
  for (let got = 0; ; ) {
    if (!(await waitFor(sys, fd, POLLIN, deadline))) throw refuse('it gave no answer in time');
    const n = sys.read(fd, mem, got, 1);
    if (n === -EAGAIN) continue;
    if (n < 0) throw refuse(because(n));
    if (n === 0) throw refuse('it closed the connection, as it does when nobody listens on that port');
    got += n;
    const answer = hybridReply(mem.u8.subarray(0, got));
    if (answer === 'ok') return finish(sys, fd);
    if (answer !== 'more') throw refuse(answer.why);
  }
}

function finish(sys: TransportSys, fd: number): number {
  sys.setNonBlocking(fd, false);
  return fd;
}

function timeout(source: SocketSource): NinefoldError {
  return new NinefoldError({
    code: 'CONNECT_TIMEOUT',
    exit: EXIT.unavailable,
    what: 'cannot connect to',
    on: printable(formatSource(source)),
    why: 'it gave no answer in time',
    remedy: 'check that the server runs and is not overloaded',
  });
}

function failed(source: SocketSource, result: number): NinefoldError {
  const noVsock = source.kind === 'vsock' && result === -EAFNOSUPPORT;
  const forbidden = result === -EACCES || result === -EPERM;
  const exit: ExitCode = noVsock ? EXIT.osMissing : forbidden ? EXIT.noPermission : EXIT.unavailable;
  return new NinefoldError({
    code: noVsock ? 'VSOCK_MISSING' : 'CONNECT_FAILED',
    exit,
    what: 'cannot connect to',
    on: printable(formatSource(source)),
    why: noVsock ? 'this kernel has no vsock' : because(result),
    remedy: noVsock ? 'load the module vsock (modprobe vsock)' : remedy(source, result),
  });
}

function remedy(source: SocketSource, result: number): string {
  if (result === -EACCES || result === -EPERM) return 'ask the owner of the socket for access';
  if (source.kind === 'unix' || source.kind === 'hybrid-vsock') {
    if (result === -ENOENT) return 'check the path; the server makes the socket when it starts';
    if (result === -ECONNREFUSED) return 'start the server; nobody listens on this socket';
  }
  if (source.kind === 'vsock' && (result === -ENODEV || result === -ETIMEDOUT || result === -EHOSTUNREACH))
    return 'check the context id: no such machine answers';
  return 'check that the server runs and listens there';
}
