// SPDX-License-Identifier: MIT

import assert from 'node:assert/strict';
import { chmodSync, chownSync, mkdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { ENOSPC } from '../../src/base/errno.ts';
import { O_DSYNC, O_RDWR, O_SYNC } from '../../src/base/sys.ts';
import { T } from '../../src/p9/messages.ts';
import { scratch } from '../helpers/places.ts';
import type { Raw9p } from '../helpers/raw9p.ts';
import { startQfsd } from '../helpers/server.ts';
import { LoopFs, noLoop } from './loop-fs.ts';

const why = noLoop();
const USER = 64_101;
const CHUNK = 32_768;

/** Writes a new file until it is refused: bytes and errno. */
async function fill(c: Raw9p, fid: number, name: string, flags: number): Promise<[number, number]> {
  await c.walk(0, fid);
  await c.call(T.lcreate, { fid, name, flags: O_RDWR | flags, mode: 0o600, gid: USER });
  const data = new Uint8Array(CHUNK).fill(1);
  for (let offset = 0; ; ) {
    const r = await c.call(T.write, { fid, offset, data });
    if (r.errno !== 0) return [offset, r.errno];
    offset += r.msg.count;
  }
}

for (const sandbox of ['none', 'landlock'])
  test(
    `blocks that a disk keeps for root are not for another user, synchronous writes or not: --sandbox ${sandbox}`,
    why === undefined ? {} : { skip: why },
    async (t) => {
      const disk = new LoopFs(scratch(t, 'reserved'));
      try {
        await disk.make(24, ['-m', '20']);
        await disk.mount();
        const dir = join(disk.dir, 'share');
        mkdirSync(dir);
        chownSync(dir, USER, USER);
        chmodSync(disk.dir, 0o755);
        const s = startQfsd(t, dir, { sandbox });
        const c = s.client;
        // Something slow of root's first: the other threads keep the rights with which they began.
        await c.attach(0, 0);
        await c.call(T.lopen, { fid: 0, flags: 0 });
        await c.call(T.fsync, { fid: 0, datasync: 0 });
        await c.attach(USER);
        const [plain, errno] = await fill(c, 1, 'plain', 0);
        assert.equal(errno, ENOSPC);
        assert.ok(plain > 0);
        for (const [fid, flags] of [
          [2, O_DSYNC],
          [3, O_SYNC],
        ] as const) {
          const [more, errno] = await fill(c, fid, `sync${fid}`, flags);
          assert.equal(errno, ENOSPC);
          // A last block that the plain writes, in larger pieces, left over.
          assert.ok(more <= CHUNK, `${more} bytes more`);
        }
        assert.equal(statSync(join(dir, 'plain')).uid, USER);
        assert.equal(await s.close(), 0, s.stderr());
      } finally {
        await disk.unmount();
      }
    },
  );
