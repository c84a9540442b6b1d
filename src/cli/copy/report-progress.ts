// SPDX-License-Identifier: MIT

import { writeSync } from 'node:fs';
import { isatty } from 'node:tty';
import { progressLine, Rate } from './progress.ts';

/** Who watches a transfer. Calls come often; each decides what is worth a line. */
export interface Watcher {
  /** Bytes of files so far. false: the person has cancelled. */
  bytes(bytes: number): boolean;
  /** So much of what was counted before will not be sent: the receiver has it. */
  spare(bytes: number): void;
  /** Nothing has moved for a while. */
  tick(): void;
  /** The end, whatever it is. */
  done(): void;
}

export const NOBODY: Watcher = { bytes: () => true, spare() {}, tick() {}, done() {} };

/** The original reports after so many bytes. */
const STEP = 15_000_000;
const BAR_MS = 200;

/**
 * The watcher that the environment asks for, as the original's agent understands it: PROGRESS_TYPE=console with FILECOPY_TOTAL_BYTES, or PROGRESS_TYPE=gui with the
 * descriptor SAVED_FD_1. On a terminal `console` is a bar with rate and time left; elsewhere the original's line, which writes over
 * itself, or for our own front ends (`ours`) lines that a log can hold.
 */
export function watcherOf(env: NodeJS.ProcessEnv, ours: boolean): Watcher {
  const total = /^[0-9]{1,20}$/.test(env.FILECOPY_TOTAL_BYTES ?? '')
    ? Number(env.FILECOPY_TOTAL_BYTES)
    : undefined;
  if (env.PROGRESS_TYPE === 'console' && total !== undefined)
    return isatty(2) ? bar(total) : lines(total, ours);
  if (env.PROGRESS_TYPE === 'gui' && /^[0-9]{1,6}$/.test(env.SAVED_FD_1 ?? ''))
    return numbers(Number(env.SAVED_FD_1));
  return NOBODY;
}

/** A line on a terminal that is written over, five times a second at the most. Nothing in the first second: what is over by then needs no bar. */
export function bar(counted: number): Watcher {
  let total = counted;
  const rate = new Rate();
  const begin = performance.now();
  let shown = 0;
  let last = 0;
  const show = (): void => {
    const now = performance.now();
    if (now - shown < BAR_MS || now - begin < 1000) return;
    shown = now;
    rate.add(now, last);
    put(`\r\x1b[K${progressLine(last, total, rate.get(), (process.stderr.columns ?? 80) - 1)}`);
  };
  rate.add(begin, 0);
  return {
    bytes(bytes) {
      last = bytes;
      show();
      return true;
    },
    spare(bytes) {
      total -= bytes;
    },
    tick: show,
    done() {
      if (shown > 0) put('\r\x1b[K');
    },
  };
}

const kib = (bytes: number): number => Math.ceil(bytes / 1024);

function lines(counted: number, ours: boolean): Watcher {
  let total = counted;
  const watcher = stepped(
    (bytes) => {
      if (ours && bytes === 0) return true;
      return put(`sent ${kib(bytes)}/${kib(total)} KB${ours ? '\n' : '\r'}`);
    },
    () => {
      if (!ours) put('\n');
    },
  );
  return {
    ...watcher,
    spare(bytes) {
      total -= bytes;
    },
  };
}

/** For the original's graphical front ends: numbers on a descriptor, whose closing means "cancel". */
function numbers(fd: number): Watcher {
  return stepped(
    (bytes) => {
      try {
        writeSync(fd, `${bytes}\n`);
      } catch (error) {
        return (error as NodeJS.ErrnoException).code !== 'EPIPE';
      }
      return true;
    },
    () => {},
  );
}

function stepped(show: (bytes: number) => boolean, end: () => void): Watcher {
  let last = 0;
  let told = -1;
  let going = show(0);
  return {
    bytes(bytes) {
      last = bytes;
      if (going && bytes - Math.max(0, told) > STEP) {
        told = bytes;
        going = show(bytes);
      }
      return going;
    },
    spare() {},
    tick() {},
    done() {
      if (going && last !== told) show(last);
      end();
    },
  };
}

function put(text: string): boolean {
  try {
    writeSync(2, text);
  } catch {
    // Nobody looks.
  }
  return true;
}
