// SPDX-License-Identifier: MIT
// What was typed at a terminal and is read by nobody yet: termios(3).

import { declare, ret } from './libc.ts';

const f = { tcflush: declare('tcflush', ['int', 'int']) };

const TCIFLUSH = 0;

/** Forgets all that was typed and not read, a line without its end too. 0 or -errno; -ENOTTY: it is no terminal. */
export function flushTyped(fd: number): number {
  return ret(f.tcflush(fd, TCIFLUSH));
}
