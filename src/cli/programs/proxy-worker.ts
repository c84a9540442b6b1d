// SPDX-License-Identifier: MIT
import '../data-plane-flags.ts';
import { proxyWorkerMain } from '../proxy/worker.ts';

proxyWorkerMain(process.argv[2]);
