// SPDX-License-Identifier: MIT
import { qopenMain } from '../open/qopen-in-vm.ts';

qopenMain(process.argv.slice(2));
