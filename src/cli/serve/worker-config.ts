// SPDX-License-Identifier: MIT

import type { ExitCode } from '../../base/error.ts';
import type { ServeSettings } from './options.ts';

/** All that the data plane is told: one JSON argument. Written by `ninefold serve` and `qfsd`, read by the program serve-worker. */
export interface WorkerConfig {
  /** What it is called in its own messages: `ninefold serve` or `qfsd`. */
  program: string;
  readFd: number;
  writeFd: number;
  /** The folder: a descriptor of it that was handed over, or its path inside the sandbox. */
  root: { fd: number } | { path: string };
  /** passwd(5) and group(5), opened outside of the sandbox; only where requests act as their users. */
  userFds?: { passwd: number; group: number };
  /** A socket to the supervisor: it asks for counters there, and when it closes the worker ends. */
  controlFd?: number;
  /** Where the counters are told as they change: `controlFd`, or standard error; neither is to be handed over by itself. */
  trafficFd?: number;
  /** A pipe whose other end the sandbox's own process holds: when it closes, because that was killed, the worker ends. */
  aliveFd?: number;
  /** The peer started this server and keeps its end of the channel to itself: it may have the kernel's own pages. */
  peerIsStarter?: boolean;
  /** The exit code when the peer breaks the protocol or goes away in the middle of a message. */
  breachExit: ExitCode;
  settings: ServeSettings;
}
