// SPDX-License-Identifier: MIT

import type { BrokerSys } from '../../broker/sys.ts';
import { peerCred } from '../../linux/net.ts';
import { recvFd, sendFd } from '../../linux/passing.ts';
import { openTransportSys } from '../wiring.ts';

/** The real system calls for `broker/`. */
export const openBrokerSys = (): BrokerSys => ({ ...openTransportSys(), sendFd, recvFd, peerCred });
