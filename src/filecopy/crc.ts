// SPDX-License-Identifier: MIT

import * as zlib from 'node:zlib';
import { crc32 as table } from '../qfile/crc32.ts';

/** CRC-32 of `bytes` after `crc` (0 at first). zlib's own where Node has it (20.15, 22.2); it is some five times as fast. */
export const crc32: (bytes: Uint8Array, crc: number) => number =
  typeof zlib.crc32 === 'function' ? (bytes, crc) => zlib.crc32(bytes, crc) : table;
