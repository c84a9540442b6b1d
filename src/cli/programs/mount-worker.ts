// SPDX-License-Identifier: MIT
import { mountWorkerMain } from '../mount/worker.ts';

mountWorkerMain(process.argv[2]);
