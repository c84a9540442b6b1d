// SPDX-License-Identifier: MIT
import { qfsdMain } from '../serve/qfsd.ts';

qfsdMain(process.argv.slice(2));
