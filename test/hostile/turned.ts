// SPDX-License-Identifier: MIT

import { T } from '../../src/p9/messages.ts';
import { type Case, withAttr } from './cases.ts';
import { file } from './fake-server.ts';

const f = file(2, '');

/** Objects that become others while they are in use. */
export const TURNED: Record<string, Case> = {
  'an open file that becomes a folder': {
    bend: (() => {
      let opened = false;
      const turned = withAttr(f, (b) => {
        b.writeUInt8(0x80, 8);
        b.writeUInt32LE(0o040755, 21);
      });
      return (r, m, thing) => {
        if (m.type === T.lopen && thing?.path === f.path) opened = true;
        return opened ? turned(r, m, thing) : undefined;
      };
    })(),
    // Not EIO, which is what the kernel makes of an inode whose kind has changed, for good.
    run: 'exec 3<f; sleep 1.1; stat -L /proc/self/fd/3',
    says: /Stale file handle/,
  },
};
