// SPDX-License-Identifier: MIT

import { serveDoor } from '../../broker/door.ts';
import { openSys } from '../../linux/index.ts';
import { oneCall } from '../broker/one-call.ts';
import { relayFds } from '../broker/relay-fds.ts';
import { openBrokerSys } from '../broker/sys.ts';
import { die } from '../report.ts';
import { rpcMain, serviceOfPath } from '../rpc/main.ts';

// `ruddo --call WORD` is `ninefold agent --call WORD`, and starts sooner: it has only what services need. `ruddo --relay`: for a broker, between a caller and a virtual machine. `ruddo --door`: for a broker, between a machine and itself.
const [, path, first, word] = process.argv;
const service = serviceOfPath(path ?? '');
if (service !== undefined) rpcMain(service);
else if (first === '--relay') relayFds();
else if (first === '--door') serveDoor(openBrokerSys(), openSys()).then(() => process.exit(0));
else if (first !== '--call') rpcMain(first ?? '');
else
  oneCall(word ?? '').then(
    (status) => process.exit(status),
    (error: unknown) => die('ninefold agent', error),
  );
