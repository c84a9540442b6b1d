// SPDX-License-Identifier: MIT
import { qvmOpenMain } from '../open/qvm-open-in-vm.ts';

qvmOpenMain(process.argv);
