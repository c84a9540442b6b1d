// SPDX-License-Identifier: MIT
// Changes that bear one time: all that happen within one tick of the clock of the server's file system.

import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { must, noLoop } from '../faults/loop-fs.ts';
import { cannotMount } from '../helpers/cli.ts';
import { pair } from './pair.ts';

const reason = cannotMount() ?? (process.geteuid?.() === 0 ? undefined : 'mounts as root only');
const here = reason === undefined ? {} : { skip: reason };

/** Changes a file of the share and opens it on the mount, again and again; how often it saw the state before. */
const OLD_BYTES = `python3 -c "
import sys
share, times = sys.argv[1], int(sys.argv[2])
old = 0
for i in range(times):
    now = b'%08d' % i
    with open(share + '/d/f', 'r+b' if i else 'wb') as f: f.write(now)
    with open('d/f', 'rb') as f: old += f.read() != now
print(old)
"`;

test('an open gives what is in the file, where the clock ticks slowly (ramfs)', here, async (t) => {
  let share = '';
  t.after(() => must('umount', '-l', join(share, 'd')));
  const p = await pair(t, (dir) => {
    share = dir;
    mkdirSync(join(dir, 'd'));
  });
  await must('mount', '-t', 'ramfs', 'none', join(share, 'd'));
  assert.equal((await p.sh(`${OLD_BYTES} ${share} 300`, 60_000)).out, '0\n');
});

const noDisk = reason ?? noLoop();
test(
  'and where it has whole seconds only (ext4 with small inodes)',
  noDisk === undefined ? {} : { skip: noDisk },
  async (t) => {
    let share = '';
    t.after(() => must('umount', '-l', join(share, 'd')));
    const p = await pair(t, (dir) => {
      share = dir;
      mkdirSync(join(dir, 'd'));
    });
    const image = join(share, 'image');
    await must('truncate', '-s', '8M', image);
    await must('mke2fs', '-t', 'ext4', '-q', '-F', '-I', '128', image);
    await must('mount', '-o', 'loop', image, join(share, 'd'));
    assert.equal((await p.sh(`${OLD_BYTES} ${share} 50`, 60_000)).out, '0\n');
    // And when the file has been left alone for long: it is kept then.
    await sleep(2200);
    assert.equal((await p.sh('cat d/f; echo; cat d/f')).out, '00000049\n00000049');
  },
);
