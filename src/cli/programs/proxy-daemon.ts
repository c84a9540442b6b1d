// SPDX-License-Identifier: MIT
import { proxyDaemonMain } from '../proxy/daemon.ts';

proxyDaemonMain(process.argv[2]);
