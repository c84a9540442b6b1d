// SPDX-License-Identifier: MIT

import { openSync } from 'node:fs';
import { because, EXIT, NinefoldError, printable } from '../../base/error.ts';
import { O_CLOEXEC, O_DIRECTORY, O_RDONLY } from '../../base/sys.ts';
import { Receiver } from '../../filecopy/index.ts';
import { setPipeSize } from '../../linux/descriptors.ts';
import { openSys } from '../../linux/index.ts';
import { exitNow } from '../../linux/process.ts';
import { refuseNeedlessCalls } from '../../linux/seccomp.ts';
import { LEGAL_EOF, UNPACKER_RULES } from '../../qfile/index.ts';
import { die, say } from '../report.ts';
import { displayName } from './display.ts';
import type { ReceiveConfig } from './receive-config.ts';

/** The largest that an ordinary user may ask for. */
const PIPE = 1 << 20;
const MODE_MASK = 0o777;

/** The confined receiver: runs one transfer and ends with the low byte of its result, as the original does. */
export function receiveWorker(config: ReceiveConfig): number {
  const { program, settings } = config;
  const sys = openSys();
  const rootFd = openRoot(config);
  setPipeSize(config.readFd, PIPE);
  const walled = settings.sandbox === 'none' ? 0 : refuseNeedlessCalls();
  if (walled < 0) say(`${program}: the filter of system calls is not in force: ${because(walled)}`);
  // Modes are given when a file is made, and must come through as they are.
  sys.umask(0);
  const limit = (n: number): number => (n === 0 ? Number.POSITIVE_INFINITY : n);
  const end = new Receiver({
    sys,
    readFd: config.readFd,
    writeFd: config.writeFd,
    rootFd,
    rules: {
      ...UNPACKER_RULES,
      unsafeCharacters: settings.allowAllNames,
      unsafeSymlinks: settings.allowUnsafeSymlinks,
    },
    modeMask: MODE_MASK,
    maxBytes: limit(settings.maxBytes),
    maxItems: limit(settings.maxFiles),
    keepFree: settings.keepFree,
    spacePatienceMs: settings.spacePatience * 1000,
    idleMs: settings.idleTimeout * 1000,
    aliveFd: config.aliveFd ?? -1,
    ...(settings.verbose ? { received: (name) => say(displayName(name)) } : {}),
  }).run();
  if (!end.answered) {
    say(`${program}: refused "${displayName(end.lastName ?? new Uint8Array())}": its times are impossible`);
    return 1;
  }
  // All other failures are the sender's to tell; of one that is gone nobody else will.
  if (end.error === LEGAL_EOF)
    say(`${program}: the stream ended in the middle of an item; what was whole before it stays`);
  return end.error & 0xff;
}

function openRoot({ root }: ReceiveConfig): number {
  const path = 'path' in root ? root.path : `/proc/self/fd/${root.fd}`;
  try {
    return openSync(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  } catch (error) {
    throw new NinefoldError({
      code: 'INCOMING_FAILED',
      exit: EXIT.noInput,
      what: 'cannot open the incoming folder as',
      on: printable(path),
      why: because((error as NodeJS.ErrnoException).errno ?? 5),
      remedy: 'check that it is still there',
      cause: error,
    });
  }
}

/** The main function of the program: the configuration is its one argument. */
export function receiveWorkerMain(argument: string | undefined): void {
  let program = 'receive-worker';
  try {
    const config = JSON.parse(argument ?? '') as ReceiveConfig;
    program = config.program;
    exitNow(receiveWorker(config));
  } catch (error) {
    die(program, error);
  }
}
