// SPDX-License-Identifier: MIT
// A server whose messages are small hangs up on a longer one, and the whole mount would be lost by what one program does.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import type { MountOptions } from '../../src/mount/index.ts';
import { T } from '../../src/p9/messages.ts';
import { Between } from '../helpers/between.ts';
import { cannotMount } from '../helpers/cli.ts';
import { scratch } from '../helpers/places.ts';
import { type Mounted, mountOn } from '../hostile/rig.ts';

const reason = cannotMount() ?? (process.geteuid?.() === 0 ? undefined : 'mounts as root only');
const here = reason === undefined ? {} : { skip: reason };

async function small(t: TestContext, options: Partial<MountOptions> = {}, plain = false): Promise<Mounted> {
  let share = '';
  // Its paths may be longer than rmSync can go.
  t.after(() => execFileSync('rm', ['-rf', share]));
  share = join(scratch(t, 'small'), 'share');
  mkdirSync(share);
  const between = new Between(share, plain);
  between.onRequest = (type, m) => {
    if (type === T.version) m.writeUInt32LE(4096, 7);
    return undefined;
  };
  const m = await mountOn(between.fd, options);
  t.after(async () => {
    await m.close();
    await between.end();
  });
  return m;
}

test('a symlink that does not fit is refused, and the mount goes on', here, async (t) => {
  const m = await small(t);
  const ran = await m.sh(`python3 - <<'P'
import os, errno
most = 4096 - 19 - 1
for n in (most, most + 1, 4095):
    try: os.symlink('t' * n, str(n % 10)); print(os.lstat(str(n % 10)).st_size, end=' ')
    except OSError as e: print(errno.errorcode[e.errno], end=' ')
open('f', 'w').write('x'); print(open('f').read())
P`);
  assert.deepEqual([ran.err, ran.out], ['', '4076 ENAMETOOLONG ENAMETOOLONG x\n']);
});

for (const plain of [false, true]) {
  test(
    `twenty long names deep, found again from above${plain ? ', by a plain server' : ''}`,
    here,
    async (t) => {
      const m = await small(t, { maxIdleFids: 30 }, plain);
      const ran = await m.sh(`python3 - <<'P'
import os
top = os.open('.', os.O_PATH)
way = []
for i in range(20):
    name = '%02d' % i + 'n' * 253
    os.mkdir(name); way.append(os.open(name, os.O_PATH)); os.fchdir(way[-1])
def forget(n):
    # Of so many that were just made, fids that nobody uses are given up.
    os.fchdir(top)
    for i in range(31): os.mkdir('%d-%d' % (n, i))
for depth in (15, 16, 19):
    forget(depth); os.fchdir(way[depth])
    print(os.path.exists('none'), end=' ')
    forget(100 + depth); os.fchdir(way[depth])
    os.mkdir('x'); print(sorted(n[:2] for n in os.listdir('.')))
P`);
      assert.deepEqual([ran.err, ran.out], ['', `False ['16', 'x']\nFalse ['17', 'x']\nFalse ['x']\n`]);
      assert.ok(m.stats.foundAgain > 0);
    },
  );
}
