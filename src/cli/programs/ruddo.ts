// SPDX-License-Identifier: MIT
import { rpcMain } from '../rpc/main.ts';

rpcMain(process.argv);
