// SPDX-License-Identifier: MIT
import '../data-plane-flags.ts';
import { serveWorkerMain } from '../serve/worker.ts';

serveWorkerMain(process.argv[2]);
