// SPDX-License-Identifier: MIT

import type { SandboxChoice } from '../serve/options.ts';

/** What one transfer into a folder is allowed. Plain data: it travels to the confined receiver as JSON. */
export interface ReceiveSettings {
  allowAllNames: boolean;
  allowUnsafeSymlinks: boolean;
  verbose: boolean;
  /** Bytes that must stay free; 0 = does not look. */
  keepFree: number;
  /** Seconds to wait for space, 0 = not at all. */
  spacePatience: number;
  /** 0 = no limit. */
  maxBytes: number;
  maxFiles: number;
  /** Seconds of silence after which the sender is given up; 0 = never. */
  idleTimeout: number;
  sandbox: SandboxChoice;
}

export const RECEIVE_DEFAULTS: ReceiveSettings = {
  allowAllNames: false,
  allowUnsafeSymlinks: false,
  verbose: false,
  keepFree: 0,
  spacePatience: 600,
  maxBytes: 0,
  maxFiles: 16_000_000,
  idleTimeout: 0,
  sandbox: 'auto',
};

/** All that the confined receiver is told: its one argument. */
export interface ReceiveConfig {
  program: string;
  readFd: number;
  writeFd: number;
  root: { fd: number } | { path: string };
  /** See `WorkerConfig.aliveFd`. */
  aliveFd?: number;
  settings: ReceiveSettings;
}
