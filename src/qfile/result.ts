// SPDX-License-Identifier: MIT

import { MAX_PATH_LENGTH } from './header.ts';

/**
 * What the receiver answers, once:
 *
 * | at | width | field |
 * |---|---|---|
 * | 0 | u32 | error_code: 0, a Linux errno, or LEGAL_EOF |
 * | 4 | u32 | 0 |
 * | 8 | u64 | CRC-32 of all that was received, in the low 32 bits |
 * | 16 | u32 | last_namelen; this and the name are an extension and may be absent |
 * | 20 | n | the name of the last item, no NUL |
 *
 * Source: libqubes-rpc-filecopy.h, struct result_header and result_header_ext.
 */
export const RESULT_SIZE = 16;
export const RESULT_EXT_SIZE = 4;

/** The stream ended inside a name or data: the sender is expected to have said why. */
export const LEGAL_EOF = 31_415_926;

export interface Result {
  readonly error: number;
  readonly crc: number;
  /** undefined: not sent. */
  readonly lastName?: Uint8Array;
}

export function encodeResult(result: Result): Uint8Array {
  const name = result.lastName?.subarray(0, MAX_PATH_LENGTH);
  const bytes = new Uint8Array(RESULT_SIZE + (name === undefined ? 0 : RESULT_EXT_SIZE + name.length));
  const dv = new DataView(bytes.buffer);
  dv.setUint32(0, result.error, true);
  dv.setUint32(8, result.crc, true);
  if (name !== undefined) {
    dv.setUint32(RESULT_SIZE, name.length, true);
    bytes.set(name, RESULT_SIZE + RESULT_EXT_SIZE);
  }
  return bytes;
}

/** How many bytes a result has whose beginning is here: a first estimate until the name's length has come. */
export function resultSize(bytes: Uint8Array): number {
  if (bytes.length < RESULT_SIZE + RESULT_EXT_SIZE) return RESULT_SIZE + RESULT_EXT_SIZE;
  const dv = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return RESULT_SIZE + RESULT_EXT_SIZE + Math.min(dv.getUint32(RESULT_SIZE, true), MAX_PATH_LENGTH);
}

/** `bytes`: all that came before the end. undefined: less than a result. What is missing of the extension counts as absent. */
export function decodeResult(bytes: Uint8Array): Result | undefined {
  if (bytes.length < RESULT_SIZE) return undefined;
  const dv = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const error = dv.getUint32(0, true);
  const crc = dv.getUint32(8, true);
  if (bytes.length < RESULT_SIZE + RESULT_EXT_SIZE) return { error, crc };
  const from = RESULT_SIZE + RESULT_EXT_SIZE;
  return { error, crc, lastName: bytes.slice(from, Math.min(bytes.length, resultSize(bytes))) };
}
