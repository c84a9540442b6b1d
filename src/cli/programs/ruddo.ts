// SPDX-License-Identifier: MIT
import { oneCall } from '../broker/one-call.ts';
import { relayFds } from '../broker/relay-fds.ts';
import { die } from '../report.ts';
import { rpcMain } from '../rpc/main.ts';

// `ruddo --call WORD` is `ninefold agent --call WORD`, and starts sooner: it has only what services need. `ruddo --relay`: for a broker, between a caller and a virtual machine.
const [, , first, word] = process.argv;
if (first === '--relay') relayFds();
else if (first !== '--call') rpcMain(process.argv);
else
  oneCall(word ?? '').then(
    (status) => process.exit(status),
    (error: unknown) => die('ninefold agent', error),
  );
