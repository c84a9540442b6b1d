// SPDX-License-Identifier: MIT

import type { SshOptions } from '../../transport/ssh.ts';
import type { LogFormat, LogLevel } from '../serve/options.ts';
import type { MountSettings } from './options.ts';

/** All that the mount process is told: one JSON argument. Written by `ninefold mount`, read by the program mount-worker. */
export interface MountConfig {
  /** As it was typed. */
  source: string;
  /** What people are shown in the place of a source that says nothing to them. */
  label?: string;
  /** For a source of the kind `fd`: where its two descriptors are in this process. */
  fds?: { readFd: number; writeFd: number };
  /** Absolute and checked. */
  mountpoint: string;
  settings: MountSettings;
  patienceMs: number;
  ssh: SshOptions;
  /** Where `fusermount3` is, for an ordinary user. */
  helper: string;
  /** Gets one line of JSON when the mount answers, or why there is none. Without: this is the foreground, and stderr is told. */
  readyFd?: number;
  logLevel: LogLevel;
  logFormat: LogFormat;
  stats: boolean;
}

/** What comes through `readyFd`. */
export type Readiness =
  | { ready: true; pid: number }
  | { ready: false; line: string; exit: number; code: string };
