// SPDX-License-Identifier: MIT
// big-file PATH WHAT SEED [direct]: `write`s blocks of a pattern at the places where 32-bit offsets go wrong, or `check`s them and the holes between, and
// prints how many blocks were right.

import { closeSync, constants, fstatSync, ftruncateSync, openSync, readSync, writeSync } from 'node:fs';

export const SIZE = 5 * 2 ** 30;
const BLOCK = 256 * 1024;
/** Blocks end, straddle and begin there, at even and odd offsets. */
const EDGES = [0, 2 ** 31, 2 ** 32, SIZE];

/** Where blocks are: none reaches into another, or past the end. */
const PLACES = EDGES.flatMap((edge) => [edge - 3 * BLOCK, edge - 77, edge + 2 * BLOCK]).filter(
  (at) => at >= 0 && at + BLOCK <= SIZE,
);
PLACES.push(0, SIZE - BLOCK);
/** Between them nothing was written. */
const HOLES = [2 ** 30, 3 * 2 ** 30, 2 ** 32 + 2 ** 29, SIZE - 64 * BLOCK];

const [path = '', what = '', seedText = '', direct] = process.argv.slice(2);
const seed = Number(seedText);

/** Every 8 bytes tell their own offset: a block that went elsewhere, or lies 4 GiB off, is no longer right. */
function pattern(at: number): Buffer {
  const b = Buffer.allocUnsafe(BLOCK);
  for (let i = 0; i < BLOCK; i += 8) {
    b.writeUInt32LE(Math.floor((at + i) / 2 ** 32) * 65536 + seed, i);
    b.writeUInt32LE((at + i) >>> 0, i + 4);
  }
  return b;
}

const flags =
  (what === 'write' ? constants.O_RDWR | constants.O_CREAT : constants.O_RDONLY) |
  (direct === 'direct' ? constants.O_DIRECT : 0);
const fd = openSync(path, flags, 0o600);
let right = 0;
if (what === 'write') {
  // Before the last block, so that growing and writing past the end are both seen.
  ftruncateSync(fd, SIZE - 2 * BLOCK);
  for (const at of PLACES) right += writeSync(fd, pattern(at), 0, BLOCK, at) === BLOCK ? 1 : 0;
} else {
  const got = Buffer.alloc(BLOCK);
  for (const at of PLACES)
    right += readSync(fd, got, 0, BLOCK, at) === BLOCK && got.equals(pattern(at)) ? 1 : 0;
  const zeros = Buffer.alloc(BLOCK);
  for (const at of HOLES) right += readSync(fd, got, 0, BLOCK, at) === BLOCK && got.equals(zeros) ? 1 : 0;
  // At and past the end there is nothing.
  right +=
    readSync(fd, got, 0, BLOCK, SIZE) === 0 && readSync(fd, got, 0, BLOCK, SIZE + 2 ** 32) === 0 ? 1 : 0;
}
const { size, blocks } = fstatSync(fd);
closeSync(fd);
const due = PLACES.length + (what === 'write' ? 0 : HOLES.length + 1);
process.stdout.write(JSON.stringify({ right, due, size, megabytes: Math.round((blocks * 512) / 1e6) }));
