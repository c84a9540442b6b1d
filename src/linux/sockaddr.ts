// SPDX-License-Identifier: MIT
// Socket addresses as the kernel wants them.

import { isIP } from 'node:net';
import type { Mem } from '../base/mem.ts';

export const AF_UNIX = 1;
export const AF_INET = 2;
export const AF_INET6 = 10;
export const AF_VSOCK = 40;

/** VMADDR_CID_ANY: listen on every context id that is ours. */
export const CID_ANY = 0xffffffff;
/** The hypervisor, the machine itself (Linux 5.6, module vsock_loopback), the host. */
export const CID_HYPERVISOR = 0;
export const CID_LOCAL = 1;
export const CID_HOST = 2;

/**
 * Where a socket is bound or connected. `unix`: a path of at most 107 bytes, or an abstract name that starts with NUL. `tcp`: a numeric
 * IPv4 or IPv6 address (names are resolved elsewhere) and a port 0–65535. `vsock`: context id and port, 32 bits each.
 */
export type SocketAddress =
  | { readonly kind: 'unix'; readonly path: string }
  | { readonly kind: 'tcp'; readonly family: 4 | 6; readonly address: string; readonly port: number }
  | { readonly kind: 'vsock'; readonly cid: number; readonly port: number };

/** sockaddr_un is the longest: 2 + 108 bytes. */
export const SOCKADDR_MAX = 112;
const UNIX_PATH_MAX = 108;

/** Writes the address at 0 of `mem` (at least SOCKADDR_MAX bytes); returns its length, or 0 when there is no such address. */
export function putAddress(mem: Mem, address: SocketAddress): number {
  mem.u8.fill(0);
  switch (address.kind) {
    case 'unix': {
      const path = Buffer.from(address.path);
      const abstract = path[0] === 0;
      if (path.length === 0 || path.length > UNIX_PATH_MAX - (abstract ? 0 : 1)) return 0;
      if (!abstract && path.includes(0)) return 0;
      mem.dv.setUint16(0, AF_UNIX, true);
      mem.u8.set(path, 2);
      return 2 + path.length + (abstract ? 0 : 1);
    }
    case 'vsock':
      mem.dv.setUint16(0, AF_VSOCK, true);
      mem.dv.setUint32(4, address.port, true);
      mem.dv.setUint32(8, address.cid, true);
      return 16;
    case 'tcp':
      return putInet(mem, address.address, address.port);
  }
}

function putInet(mem: Mem, host: string, port: number): number {
  if (!Number.isInteger(port) || port < 0 || port > 0xffff) return 0;
  if (isIP(host) === 4) {
    mem.dv.setUint16(0, AF_INET, true);
    mem.dv.setUint16(2, port);
    host.split('.').forEach((part, i) => {
      mem.u8[4 + i] = Number(part);
    });
    return 16;
  }
  if (isIP(host) !== 6 || host.includes('%')) return 0;
  mem.dv.setUint16(0, AF_INET6, true);
  mem.dv.setUint16(2, port);
  // The URL parser turns every spelling, a dotted tail too, into groups of hexadecimal digits.
  const plain = new URL(`http://[${host}]`).hostname.slice(1, -1);
  const [head = '', tail] = plain.split('::');
  const groups = (s: string): number[] => (s === '' ? [] : s.split(':').map((g) => Number.parseInt(g, 16)));
  groups(head).forEach((g, i) => {
    mem.dv.setUint16(8 + 2 * i, g);
  });
  const after = groups(tail ?? '');
  after.forEach((g, i) => {
    mem.dv.setUint16(24 - 2 * (after.length - i), g);
  });
  return 28;
}

/** Reads an address of `length` bytes at 0 of `mem`; undefined for families that we do not use. */
export function getAddress(mem: Mem, length: number): SocketAddress | undefined {
  const family = length >= 2 ? mem.dv.getUint16(0, true) : 0;
  if (family === AF_UNIX) {
    const bytes = Buffer.from(mem.u8.subarray(2, Math.max(2, length)));
    const end = bytes[0] === 0 ? bytes.length : bytes.indexOf(0);
    return { kind: 'unix', path: bytes.subarray(0, end < 0 ? bytes.length : end).toString() };
  }
  if (family === AF_VSOCK && length >= 16) {
    return { kind: 'vsock', port: mem.dv.getUint32(4, true), cid: mem.dv.getUint32(8, true) };
  }
  if (family === AF_INET && length >= 16) {
    return {
      kind: 'tcp',
      family: 4,
      address: Array.from(mem.u8.subarray(4, 8)).join('.'),
      port: mem.dv.getUint16(2),
    };
  }
  if (family === AF_INET6 && length >= 28) {
    const groups = Array.from({ length: 8 }, (_, i) => mem.dv.getUint16(8 + 2 * i).toString(16));
    const address = new URL(`http://[${groups.join(':')}]`).hostname.slice(1, -1);
    return { kind: 'tcp', family: 6, address, port: mem.dv.getUint16(2) };
  }
  return undefined;
}
