// SPDX-License-Identifier: MIT

import * as v from 'valibot';
import { parseName } from './name.ts';

/** What every question has that an asking program gets. */
export interface Asking {
  /** Who asks, and whom: checked names. */
  readonly source: string;
  readonly target: string;
  /** The question in one sentence, and what to know beside it. */
  readonly sentence: string;
  readonly notes: readonly string[];
  /** Seconds until the broker takes silence for a no. */
  readonly patience: number;
  /** Requests of the same source that were refused unasked since the last question. */
  readonly refusedMeanwhile: number;
  /** Questions of other sources that stood in line when this one was put. Missing: 0, or not known. */
  readonly waiting?: number;
  /** A file that says from then on how many there are, in decimal digits. */
  readonly waitingFile?: string;
}

const NAME = v.pipe(
  v.string(),
  v.check((text) => parseName(text).ok, 'no name of a machine'),
);
const COUNT = v.pipe(v.number(), v.integer(), v.minValue(0));
/** A folder's text may be 4,095 bytes and each of them an escape. */
export const TEXT = v.pipe(v.string(), v.maxLength(64 * 1024));
/** The members of `Asking`, checked. */
export const ASKING = {
  source: NAME,
  target: NAME,
  notes: v.array(TEXT),
  sentence: TEXT,
  patience: v.pipe(v.number(), v.minValue(1), v.maxValue(86_400)),
  refusedMeanwhile: COUNT,
  waiting: v.exactOptional(COUNT),
  waitingFile: v.exactOptional(v.pipe(v.string(), v.startsWith('/'), v.maxLength(4096))),
};
