// SPDX-License-Identifier: MIT
import { proxyMain } from '../proxy/main.ts';

proxyMain(process.argv);
