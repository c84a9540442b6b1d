// SPDX-License-Identifier: MIT

import type { Mem } from '../base/mem.ts';
import { O_CLOEXEC } from '../base/sys.ts';
import { c, declare, ret } from './libc.ts';
import { alloc } from './memory.ts';
import { AF_UNIX, putAddress, SOCKADDR_MAX } from './sockaddr.ts';

const SOCK_DGRAM = 2;
const LOG_DAEMON = 3 << 3;
/** syslog(3)'s levels that are used here. */
export const LOG_CRIT = 2;
export const LOG_INFO = 6;

const f = {
  socket: declare('socket', ['int', 'int', 'int']),
  connect: declare('connect', ['int', 'uintptr_t', 'uint32_t']),
};

/**
 * A connected socket to the machine's log, close-on-exec; -errno when there is none. syslog(3) itself cannot be used: its connection belongs to a
 * process, and a confined program has to inherit one.
 */
export function openSyslog(): number {
  const fd = ret(f.socket(AF_UNIX, SOCK_DGRAM | O_CLOEXEC, 0));
  if (fd < 0) return fd;
  const address = alloc(SOCKADDR_MAX);
  const r = ret(f.connect(fd, address.address, putAddress(address, { kind: 'unix', path: '/dev/log' })));
  if (r === 0) return fd;
  c.close(fd);
  return r;
}

/** The datagram that syslog(3) would send with LOG_PID and LOG_DAEMON: `<PRI>Mmm dd hh:mm:ss ident[pid]: text`. */
export function syslogDatagram(level: number, ident: string, pid: number, text: string, now: Date): Mem {
  const two = (n: number): string => String(n).padStart(2, '0');
  const month = 'JanFebMarAprMayJunJulAugSepOctNovDec'.slice(now.getMonth() * 3, now.getMonth() * 3 + 3);
  const day = String(now.getDate()).padStart(2);
  const time = `${two(now.getHours())}:${two(now.getMinutes())}:${two(now.getSeconds())}`;
  const bytes = Buffer.from(`<${LOG_DAEMON | level}>${month} ${day} ${time} ${ident}[${pid}]: ${text}`);
  const mem = alloc(bytes.length);
  mem.u8.set(bytes);
  return mem;
}
