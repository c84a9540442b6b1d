// SPDX-License-Identifier: MIT

import { closeSync, mkdirSync, openSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import type { Cleanup } from '../common/cleanup.ts';
import { newFolder, type Place } from '../common/folder.ts';
import { random } from '../common/stats.ts';

/** What the served folder of the server's rows holds. */
export const FLAT = 2000;
export const DATA_BYTES = 64 * 2 ** 20;
export const flatName = (i: number): string => `file-${String(i).padStart(4, '0')}.txt`;

/** A filled folder of its own at that place, removed by `cleanup`. */
export function makeFolder(place: Place, cleanup: Cleanup): string {
  const dir = newFolder(place, 2 * DATA_BYTES, cleanup);
  fillServed(dir);
  return dir;
}

/** Fills an empty folder: `flat/` of 2,000 files, `a/b/`, `data` of 64 MiB, an empty `out/`. About 0.2 s. */
function fillServed(dir: string): void {
  for (const d of ['flat', 'a/b', 'out']) mkdirSync(join(dir, d), { recursive: true });
  for (let i = 0; i < FLAT; i++) writeFileSync(join(dir, 'flat', flatName(i)), 'x'.repeat(100));
  const block = new Uint8Array(2 ** 20);
  const next = random(1);
  for (let i = 0; i < block.length; i++) block[i] = next() * 256;
  const fd = openSync(join(dir, 'data'), 'wx');
  for (let i = 0; i < DATA_BYTES; i += block.length) writeSync(fd, block);
  closeSync(fd);
}
