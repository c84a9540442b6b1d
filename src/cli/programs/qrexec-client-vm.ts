// SPDX-License-Identifier: MIT
import { clientMain } from '../broker/client-vm.ts';

clientMain(process.argv.slice(2));
