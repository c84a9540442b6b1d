// SPDX-License-Identifier: MIT

import { openSys } from '../linux/index.ts';
import { netSys } from '../linux/net.ts';
import type { TransportSys } from '../transport/sys.ts';

/** The real system calls for `transport/`. */
export function openTransportSys(): TransportSys {
  const sys = openSys();
  return {
    ...netSys,
    alloc: sys.alloc,
    close: sys.close,
    dup: sys.dup,
    read: sys.read,
    write: sys.write,
    poll: sys.poll,
    eventLoopFd: sys.eventLoopFd,
    eventLoopTimeout: sys.eventLoopTimeout,
  };
}
