// SPDX-License-Identifier: MIT
import { qvmCopyMain } from '../copy/qvm-copy.ts';

qvmCopyMain(process.argv);
