// SPDX-License-Identifier: MIT

import type { BrokerSys } from '../../broker/sys.ts';
import { openSys } from '../../linux/index.ts';
import { isUnixStream, peerCred } from '../../linux/net.ts';
import { recvFd, sendFd } from '../../linux/passing.ts';
import { openTransportSys } from '../wiring.ts';

/** The real system calls for `broker/`. */
export function openBrokerSys(): BrokerSys {
  const { send, recv } = openSys();
  return { ...openTransportSys(), send, recv, sendFd, recvFd, peerCred, isUnixStream };
}
