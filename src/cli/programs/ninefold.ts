// SPDX-License-Identifier: MIT
import { ninefoldMain } from '../ninefold.ts';

ninefoldMain(process.argv);
