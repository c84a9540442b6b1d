// SPDX-License-Identifier: MIT
import { serveWorkerMain } from '../serve/worker.ts';

serveWorkerMain(process.argv[2]);
