// SPDX-License-Identifier: MIT

import { fileURLToPath } from 'node:url';
import type { ExitCode } from '../../base/error.ts';
import type { ServeSettings } from './options.ts';
import type { WorkerConfig } from './worker-config.ts';

/** A command line and environment, complete: what is not in `env` is not there. */
export interface Launch {
  readonly argv: readonly string[];
  readonly env: Record<string, string>;
  /** How it is confined, for the log. */
  readonly sandbox: string;
}

export interface WorkerPlan {
  program: string;
  readFd: number;
  writeFd: number;
  controlFd?: number;
  /** The folder: its descriptor in the worker, and its path, which says what the sandbox must let through. */
  root: { fd: number; path: string };
  breachExit: ExitCode;
  settings: ServeSettings;
  /** Gets what a person should know about the confinement, once. */
  note: (line: string) => void;
}

/** The bundled program beside this one: everything here runs from dist/bin. */
export const programPath = (name: string): string => fileURLToPath(new URL(`./${name}.mjs`, import.meta.url));

/** How a data plane is started, confined as the settings ask. */
export function planWorker(plan: WorkerPlan): Launch {
  const { program, readFd, writeFd, controlFd, root, breachExit, settings } = plan;
  const config: WorkerConfig = {
    program,
    readFd,
    writeFd,
    ...(controlFd === undefined ? {} : { controlFd }),
    root: { fd: root.fd },
    breachExit,
    settings,
  };
  return {
    argv: [process.execPath, programPath('serve-worker'), JSON.stringify(config)],
    env: {},
    sandbox: 'none',
  };
}
