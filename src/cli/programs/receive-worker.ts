// SPDX-License-Identifier: MIT
import '../data-plane-flags.ts';
import { receiveWorkerMain } from '../copy/receive-worker.ts';

receiveWorkerMain(process.argv[2]);
