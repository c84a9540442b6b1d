// SPDX-License-Identifier: MIT

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { linkSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { OP } from '../../src/fuse-abi/index.ts';
import { cannotMount } from '../helpers/cli.ts';
import { pair } from './pair.ts';

const reason = cannotMount() ?? (process.geteuid?.() === 0 ? undefined : 'mounts as root only');
const here = reason === undefined ? {} : { skip: reason };

const NAMES = 20;

/** Opens a folder whose listing is in memory, takes its name away, and works with what is open. */
const work = (take: string): string => `python3 -c "
import os
os.listdir('old'); os.listdir('old')
fd = os.open('old', os.O_RDONLY | os.O_DIRECTORY)
${take}
os.fchmod(fd, 0o700); os.utime(fd, (5, 7)); s = os.fstat(fd)
print(s.st_nlink, oct(s.st_mode), int(s.st_mtime), os.listdir(fd))
"`;

for (const [how, take] of [
  ['removed', `os.rmdir('old')`],
  ['removed by others', `os.rmdir(os.environ['SHARE'] + '/old')`],
  ['replaced by another', `os.rename('new', 'old')`],
] as const)
  test(`a folder that was opened from memory and is then ${how} stays open`, here, async (t) => {
    const p = await pair(t, (share) => {
      for (const name of ['old', 'new']) mkdirSync(join(share, name));
    });
    const ran = await p.sh(`export SHARE=${p.share}; ${work(take)}`);
    assert.deepEqual([ran.err, ran.out], ['', '0 0o40700 7 []\n']);
  });

for (const [how, take] of [
  ['removed', `os.unlink('pipe')`],
  ['replaced by another', `os.rename('other', 'pipe')`],
] as const)
  test(
    `a fifo that is open, which no file system is told of, and is then ${how} can be asked and changed`,
    here,
    async (t) => {
      const p = await pair(t, (share) => {
        execFileSync('mkfifo', [join(share, 'pipe'), join(share, 'other')]);
      });
      const ran = await p.sh(`python3 -c "
import os, time
for e in os.scandir('.'): e.stat()
fd = os.open('pipe', os.O_RDWR | os.O_NONBLOCK)
${take}
# What the kernel knows of it is good for a second.
time.sleep(1.3)
first = os.fstat(fd).st_nlink
os.fchmod(fd, 0o640); os.utime(fd, (5, 7)); time.sleep(1.3); s = os.fstat(fd)
print(first, s.st_nlink, oct(s.st_mode), int(s.st_mtime))
"`);
      assert.deepEqual([ran.err, ran.out], ['', '0 0 0o10640 7\n']);
    },
  );

test(
  'a name of several that others gave to another file a moment ago can be taken away, at the first try',
  here,
  async (t) => {
    const p = await pair(t, (share) => {
      for (let i = 0; i < NAMES; i++) {
        for (const name of ['a', 'b']) writeFileSync(join(share, name + i), name);
        linkSync(join(share, `a${i}`), join(share, `second${i}`));
      }
    });
    const ran = await p.sh(`export SHARE=${p.share}; python3 -c "
import os
for e in os.scandir('.'): e.stat()
for i in range(${NAMES}):
    os.rename(os.environ['SHARE'] + f'/b{i}', os.environ['SHARE'] + f'/a{i}')
    os.unlink(f'a{i}')
print({name.strip('0123456789') for name in os.listdir(os.environ['SHARE'])})
"`);
    assert.deepEqual([ran.err, ran.out], ['', "{'second'}\n"]);
    // One that had to be tried again was answered ESTALE: at the second time in a row, the program is.
    assert.equal(p.stats.byOpcode[OP.unlink], NAMES);
  },
);
