// SPDX-License-Identifier: MIT
// A user who may take no more of a disk (ext4's quota).

import assert from 'node:assert/strict';
import { chownSync, existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { run } from '../helpers/cli.ts';
import { scratch } from '../helpers/places.ts';
import { seedOf } from '../helpers/random.ts';
import { Writer } from './ground.ts';
import { serveAndMount } from './in-process.ts';
import { LoopFs, must, noLoop } from './loop-fs.ts';
import { loopsOf } from './loop-state.ts';
import { lost } from './survived.ts';

const why =
  noLoop() ??
  (existsSync('/sys/module/quota_v2')
    ? undefined
    : 'this kernel has no quota_v2: test/guest/faults.test.ts runs this in a guest');
const NOBODY = 65_534;
const PATIENCE_MS = 120_000;
const KILOBYTES = 256;
/** Many times as many as fit. */
const STEPS = 500;
/** EDQUOT, for which libuv has no name. */
const EDQUOT = 'errno 122';

/** quotactl(2): Q_SETQUOTA, USRQUOTA, struct if_dqblk with QIF_LIMITS. */
const SET_QUOTA = `
import ctypes, os, struct, sys
libc = ctypes.CDLL(None, use_errno=True)
device, user, kilobytes = sys.argv[1].encode(), int(sys.argv[2]), int(sys.argv[3])
limits = struct.pack('8QI4x', kilobytes, kilobytes, 0, 0, 0, 0, 0, 0, 5)
if libc.quotactl(0x800008 << 8, device, user, limits) < 0:
    sys.exit('quotactl: ' + os.strerror(ctypes.get_errno()))
`;

/** 0 kilobytes: no limit. */
async function limit(disk: LoopFs, user: number, kilobytes: number): Promise<void> {
  const [loop] = loopsOf(disk.image);
  await must('python3', '-c', SET_QUOTA, `/dev/${loop}`, String(user), String(kilobytes));
}

for (const sandbox of ['none', 'landlock'] as const)
  test(
    `a user\u2019s quota, and a server that root runs with --sandbox ${sandbox}: EDQUOT, nothing lost, and it goes on when there is more`,
    why === undefined ? {} : { skip: why },
    async (t) => {
      const seed = seedOf();
      const disk = new LoopFs(scratch(t, 'quota'));
      const writer = new Writer();
      try {
        await disk.make(64, ['-O', 'quota']);
        await disk.mount('rw,usrquota');
        for (const name of ['w', 'w2']) {
          mkdirSync(join(disk.dir, name));
          chownSync(join(disk.dir, name), NOBODY, NOBODY);
        }
        await limit(disk, NOBODY, KILOBYTES);
        const pair = await serveAndMount(disk.dir, ['--squash', `${NOBODY}:${NOBODY}`, '--sandbox', sandbox]);
        try {
          const record = await writer.run(join(pair.mount.dir, 'w'), seed, () => {}, STEPS);
          t.diagnostic(`NINEFOLD_SEED=${seed}: ${record.acknowledged.length} steps until ${record.code}`);
          assert.equal(record.code, EDQUOT);
          assert.deepEqual(lost(join(disk.dir, 'w'), record), []);
          const more = join(pair.mount.dir, 'w', 'more');
          const dd = await run(['dd', 'if=/dev/zero', `of=${more}`, 'bs=1M', 'count=4', 'conv=fsync'], {
            patience: PATIENCE_MS,
          });
          assert.match(dd.stderr, /Disk quota exceeded/);
          assert.equal(dd.code, 1);
          await run(['rm', more], { patience: PATIENCE_MS });
          await limit(disk, NOBODY, 0);
          const again = await writer.run(join(pair.mount.dir, 'w2'), seed + 1, () => {}, 20);
          assert.equal(again.code, 'done');
          assert.deepEqual(lost(join(disk.dir, 'w2'), again), []);
          assert.deepEqual(lost(join(disk.dir, 'w'), record), []);
        } finally {
          assert.equal(await pair.end(), 0);
        }
        await disk.unmount();
        await disk.check();
      } finally {
        await writer.end();
        await disk.end();
      }
    },
  );
