// SPDX-License-Identifier: MIT
// The payload of Rreaddirplus: entries one after another, each getattr body[153] offset[8] name[s] (docs/EXTENSIONS.md). It is a server's word: an entry may end anywhere.

import { GETATTR_BODY } from '../p9-client/index.ts';

/** From the beginning of an entry to its name's bytes. */
export const NAME_AT = GETATTR_BODY + 10;

/** Where the entry at `pos` ends in a payload of `end` bytes, which is where the next one begins; -1: no whole one is left. */
export function entryEnd(dv: DataView, pos: number, end: number): number {
  const name = pos + NAME_AT;
  if (name > end) return -1;
  const next = name + dv.getUint16(name - 2, true);
  return next > end ? -1 : next;
}

/** Where the first entry with this name (bytes as latin1) begins; -1: there is none. */
export function findEntry(data: Uint8Array, dv: DataView, name: string): number {
  const { length } = name;
  const end = data.length;
  for (let pos = 0, next = entryEnd(dv, 0, end); next >= 0; pos = next, next = entryEnd(dv, pos, end)) {
    const from = pos + NAME_AT;
    if (next - from !== length) continue;
    let i = 0;
    while (i < length && data[from + i] === name.charCodeAt(i)) i++;
    if (i === length) return pos;
  }
  return -1;
}
