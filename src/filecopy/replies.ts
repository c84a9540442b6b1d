// SPDX-License-Identifier: MIT
// The sender's half of the extension: what a receiver says before its result, if it knows it.

import { EPROTO } from '../base/errno.ts';
import type { Sys } from '../base/sys.ts';
import {
  ANSWER,
  ANSWER_SIZE,
  type Answer,
  decodeAnswer,
  GREETING,
  GREETING_SIZE,
  MAY_REPLACE,
  type Result,
} from '../qfile/index.ts';
import type { Output } from './output.ts';

/** Of a greeting so much shows what it is; a result is longer. */
const GREETING_HEAD = 8;
/** So much of an answer is there whatever it is: of a result, all that is not the extension of it. */
const RESULT_HEAD = 16;

/** What came instead: a result, undefined when the receiver closed, or -errno. */
export interface Instead {
  readonly instead: Result | undefined | number;
}

export interface Greeting {
  readonly replace: boolean;
  readonly nonce: Uint8Array;
}

export function readGreeting(sys: Sys, out: Output): Greeting | Instead {
  const mem = sys.alloc(GREETING_HEAD);
  const n = out.read(mem, GREETING_HEAD);
  if (n < GREETING_HEAD || mem.dv.getUint32(0, true) !== GREETING)
    return { instead: n < 0 ? n : out.readResult(mem.u8.subarray(0, n)) };
  const nonce = sys.alloc(GREETING_SIZE - GREETING_HEAD);
  const m = out.read(nonce, nonce.size);
  if (m < nonce.size) return { instead: m < 0 ? m : undefined };
  return { replace: (mem.dv.getUint32(4, true) & MAY_REPLACE) !== 0, nonce: nonce.u8 };
}

/** The answers to `count` questions, in order. */
export function readAnswers(sys: Sys, out: Output, count: number): Answer[] | Instead {
  const mem = sys.alloc(ANSWER_SIZE);
  const found: Answer[] = [];
  while (found.length < count) {
    const n = out.read(mem, RESULT_HEAD);
    const more = n === RESULT_HEAD && mem.dv.getUint32(0, true) === ANSWER;
    if (!more) return { instead: n < 0 ? n : out.readResult(mem.u8.slice(0, Math.max(0, n))) };
    const rest = sys.alloc(ANSWER_SIZE - RESULT_HEAD);
    if (out.read(rest, rest.size) < rest.size) return { instead: undefined };
    mem.u8.set(rest.u8, RESULT_HEAD);
    const answer = decodeAnswer(mem.dv);
    if (answer === undefined) return { instead: -EPROTO };
    found.push(answer);
  }
  return found;
}
