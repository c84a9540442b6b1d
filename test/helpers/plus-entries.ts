// SPDX-License-Identifier: MIT

import { S_IFREG } from '../../src/base/stat.ts';
import { AT, GETATTR_BASIC, GETATTR_BODY } from '../../src/p9-client/index.ts';

export interface Told {
  readonly name: string;
  readonly mode?: number;
  /** Without attributes: there, but not described. */
  readonly bare?: boolean;
}

/** The payload of an Rreaddirplus. */
export function plusEntries(entries: readonly Told[]): Buffer {
  return Buffer.concat(
    entries.map(({ name, mode = S_IFREG, bare = false }, i) => {
      const b = Buffer.alloc(GETATTR_BODY + 10 + name.length);
      b.writeUInt32LE(bare ? 0 : GETATTR_BASIC, 0);
      b.writeUInt32LE(mode, AT.mode);
      b.writeUInt32LE(i + 1, GETATTR_BODY);
      b.writeUInt16LE(name.length, GETATTR_BODY + 8);
      b.write(name, GETATTR_BODY + 10, 'latin1');
      return b;
    }),
  );
}
