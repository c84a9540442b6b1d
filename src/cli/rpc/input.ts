// SPDX-License-Identifier: MIT

import type { Readable } from 'node:stream';

/** A caller that says nothing for so long has nothing to say. */
const PATIENCE_MS = 10_000;

/** All of a stream up to its end, or `max` bytes and one more; undefined when it is not over in time. */
export function readInput(stream: Readable, max: number): Promise<Uint8Array | undefined> {
  return new Promise((resolve) => {
    const parts: Buffer[] = [];
    let size = 0;
    const finish = (whole: boolean): void => {
      clearTimeout(timer);
      stream.removeAllListeners().on('error', () => {});
      resolve(whole ? Buffer.concat(parts).subarray(0, max + 1) : undefined);
    };
    const timer = setTimeout(() => finish(false), PATIENCE_MS);
    stream.on('data', (part: Buffer) => {
      parts.push(part);
      size += part.length;
      if (size > max) finish(true);
    });
    stream.once('end', () => finish(true));
    stream.once('error', () => finish(true));
  });
}

/** The first line of a stream that stays open, without its newline; undefined when it does not come in time or has more than `max` bytes. The rest goes to `onEnd`, when it is over. */
export function readLine(stream: Readable, max: number, onEnd: () => void): Promise<string | undefined> {
  return new Promise((resolve) => {
    let text = '';
    let done = false;
    const finish = (line: string | undefined): void => {
      done = true;
      clearTimeout(timer);
      resolve(line);
    };
    const timer = setTimeout(() => finish(undefined), PATIENCE_MS);
    stream.on('data', (part: Buffer) => {
      if (done) return;
      text += part.toString('latin1');
      const newline = text.indexOf('\n');
      if (newline >= 0) finish(Buffer.from(text.slice(0, newline), 'latin1').toString('utf8'));
      else if (text.length > max) finish(undefined);
    });
    const over = (): void => {
      if (!done) finish(undefined);
      onEnd();
    };
    stream.once('end', over).once('error', over);
  });
}
