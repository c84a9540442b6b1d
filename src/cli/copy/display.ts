// SPDX-License-Identifier: MIT

import { decoded, firstForbidden, utf8At } from '../../qfile/index.ts';

/** A name from the other side, fit for a message: what names may not hold, and `"`, is shown as `_`. */
export function displayName(name: Uint8Array): string {
  const shown: number[] = [];
  for (let i = 0; i < name.length; ) {
    const whole = utf8At(name, i, name.length);
    const { length } = decoded;
    const fine = whole && name[i] !== 0x22 && firstForbidden(name, i, i + length) < 0;
    if (fine) shown.push(...name.subarray(i, i + length));
    else shown.push(0x5f);
    i += length;
  }
  return Buffer.from(shown).toString();
}
