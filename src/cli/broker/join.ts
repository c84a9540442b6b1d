// SPDX-License-Identifier: MIT

import { EXIT, type ExitCode } from '../../base/error.ts';
import { connectBroker } from '../../broker/broker-caller.ts';
import { relay } from '../../transport/relay.ts';
import { brokerPlace } from './places.ts';
import { openBrokerSys } from './sys.ts';

/**
 * `ninefold broker --stdio`: a connection to a broker over standard input and output, for the forced command of an SSH key: the socket says whose it is, and whoever is at the other end gets nothing else. Resolves
 * with the exit code at the end of both directions. Rejects with NinefoldError CONNECT_FAILED (exit 69, 77), BROKER_FOREIGN (77).
 */
export async function joinBroker(socket: string | undefined): Promise<ExitCode> {
  const sys = openBrokerSys();
  const place = socket === undefined ? brokerPlace() : { kind: 'unix' as const, path: socket };
  const fd = await connectBroker(sys, place);
  relay(sys, { readFd: 0, writeFd: 1 }, { readFd: fd, writeFd: fd });
  return EXIT.ok;
}
