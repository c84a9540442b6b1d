// SPDX-License-Identifier: MIT
import '../data-plane-flags.ts';
import { mountWorkerMain } from '../mount/worker.ts';

mountWorkerMain(process.argv[2]);
