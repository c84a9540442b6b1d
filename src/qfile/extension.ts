// SPDX-License-Identifier: MIT

import { HEADER_SIZE } from './header.ts';

/**
 * What our sender and receiver say to each other beyond the original's stream; see docs/EXTENSIONS.md. It rides on the upper half of a header's mode, which the original ignores,
 * and begins only after both have shown that they know it.
 */
export const OP_HELLO = 0x4e01;
/** A question: is this name free? Header and name, no data. */
export const OP_ASK = 0x4e02;
/** A file or link that takes the place of one that is there. */
export const OP_REPLACE = 0x4e03;
/** The rest of a file of which the receiver has the beginning: u64 of how many bytes that is, then `filelen` bytes. */
export const OP_RESUME = 0x4e04;
/** The first after a greeting, with its number. See `beginning`. */
export const OP_BEGIN = 0x4e05;

export const MAY_REPLACE = 1;

/** Receiver to sender: u32 magic, u32 of flags, NONCE_SIZE bytes that nobody could know before. No errno, so that it cannot be taken for a result. */
export const GREETING = 0x3247_464e;
export const NONCE_SIZE = 16;
export const GREETING_SIZE = 8 + NONCE_SIZE;
/** Receiver to sender, for each question in order: u32 magic, u32 state, u64 size, u32 mtime, u32 mtime nanoseconds, u32 mode, u32 CRC-32. */
export const ANSWER = 0x3141_464e;
export const ANSWER_SIZE = 32;

/**
 * What a sender that has read the greeting begins anew with, and no other can: a header whose length of name none has (so any other receiver refuses it), OP_BEGIN, and the greeting's number where length
 * and times of access stand. A sender that gave up waiting goes on with the bytes of a file instead, which must not be taken for headers.
 */
export function beginning(nonce: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(HEADER_SIZE);
  const dv = new DataView(bytes.buffer);
  dv.setUint32(0, 0xffff_ffff, true);
  dv.setUint32(4, (OP_BEGIN << 16) >>> 0, true);
  bytes.set(nonce.subarray(0, NONCE_SIZE), 8);
  return bytes;
}

/** `part`: nothing of that name, but `size` bytes of its beginning, with that checksum, from a transfer that was cut. */
export type AnswerState = 'free' | 'taken' | 'part';
const STATES: readonly AnswerState[] = ['free', 'taken', 'part'];

export interface Answer {
  readonly state: AnswerState;
  readonly size: number;
  readonly mtime: number;
  readonly mtimeNsec: number;
  readonly mode: number;
  readonly crc: number;
}

export const FREE: Answer = { state: 'free', size: 0, mtime: 0, mtimeNsec: 0, mode: 0, crc: 0 };

export function encodeAnswer(dv: DataView, answer: Answer): void {
  dv.setUint32(0, ANSWER, true);
  dv.setUint32(4, STATES.indexOf(answer.state), true);
  dv.setBigUint64(8, BigInt(answer.size), true);
  dv.setUint32(16, answer.mtime, true);
  dv.setUint32(20, answer.mtimeNsec, true);
  dv.setUint32(24, answer.mode, true);
  dv.setUint32(28, answer.crc, true);
}

/** undefined: no answer, or of an unknown state. */
export function decodeAnswer(dv: DataView): Answer | undefined {
  const state = STATES[dv.getUint32(4, true)];
  if (dv.getUint32(0, true) !== ANSWER || state === undefined) return undefined;
  return {
    state,
    size: Number(dv.getBigUint64(8, true)),
    mtime: dv.getUint32(16, true),
    mtimeNsec: dv.getUint32(20, true),
    mode: dv.getUint32(24, true),
    crc: dv.getUint32(28, true),
  };
}
