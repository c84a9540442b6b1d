// SPDX-License-Identifier: MIT

import type { Socket } from 'node:net';
import type { Readable } from 'node:stream';
import { printable } from '../base/error.ts';
import { LineCutter } from './traffic.ts';
import { isTrafficLine } from './traffic-line.ts';

/** Gets the lines in which a server tells its traffic. */
export type OnTraffic = (line: string) => void;

const WORDS_MAX = 4096;

/**
 * Reads what a service says on its standard error; the last line of it is what is told of its end. Where `onTraffic` is given, lines with counters go there and are no words.
 */
export function wordsOf(stderr: Readable | null, onTraffic?: OnTraffic): () => string {
  let last = '';
  const cutter = new LineCutter(WORDS_MAX, (line) => {
    if (onTraffic !== undefined && isTrafficLine(line)) onTraffic(line);
    else if (line.trim() !== '') last = line.trim();
  });
  stderr?.on('data', (part: Buffer) => cutter.push(part));
  return () => {
    cutter.end();
    return printable(last);
  };
}

/** The line that says how a service ended, after any in which it told its traffic; undefined: the end came first, or a longer line than `max` bytes. */
export function endOf(control: Socket, max: number, onTraffic?: OnTraffic): Promise<string | undefined> {
  return new Promise((resolve) => {
    const finish = (line: string | undefined): void => {
      control.off('data', push).off('end', none).off('close', none);
      resolve(line);
    };
    const cutter = new LineCutter(max, (line) => {
      if (onTraffic !== undefined && isTrafficLine(line)) onTraffic(line);
      else finish(line);
    });
    const push = (part: Buffer): void => cutter.push(part);
    const none = (): void => finish(undefined);
    control.on('data', push).once('end', none).once('close', none);
  });
}
