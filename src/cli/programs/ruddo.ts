// SPDX-License-Identifier: MIT
import { oneCall } from '../broker/one-call.ts';
import { die } from '../report.ts';
import { rpcMain } from '../rpc/main.ts';

// `ruddo --call WORD` is `ninefold agent --call WORD`, and starts sooner: it has only what services need.
const [, , first, word] = process.argv;
if (first !== '--call') rpcMain(process.argv);
else
  oneCall(word ?? '').then(
    (status) => process.exit(status),
    (error: unknown) => die('ninefold agent', error),
  );
