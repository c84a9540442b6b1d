// SPDX-License-Identifier: MIT
// Who opens a file only to write it writes past the page cache (CachePolicy.writesDirectly): others who read or map it meanwhile must not notice.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { release } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { OP } from '../../src/fuse-abi/index.ts';
import { cannotMount } from '../helpers/cli.ts';
import { pair } from './pair.ts';

const reason = cannotMount() ?? (process.geteuid?.() === 0 ? undefined : 'mounts as root only');
const here = reason === undefined ? {} : { skip: reason };
const [major, minor] = release().split('.').map(Number) as [number, number];
const older =
  major < 6 || (major === 6 && minor < 6) ? `Linux ${release()}: direct writes from 6.6 on` : false;

test('a new file that is being written, read, mapped and changed in place at one time', here, async (t) => {
  const p = await pair(t, () => undefined);
  const ran = await p.sh(`python3 -c "
import mmap, os
w = os.open('new', os.O_WRONLY | os.O_CREAT, 0o644)
assert os.write(w, b'a' * 5000) == 5000
r = os.open('new', os.O_RDWR)
first = os.pread(r, 9000, 0)
m = mmap.mmap(r, 5000)
seen = [first == b'a' * 5000, m[4999:5000]]
# In the same page as the end that was read, and in a page that is mapped.
os.write(w, b'b' * 3000); os.pwrite(w, b'c' * 4, 4096)
seen += [os.pread(r, 9000, 0) == b'a' * 4096 + b'cccc' + b'a' * 900 + b'b' * 3000, m[4095:4101], os.fstat(r).st_size]
# What was stored through the map is there under the next write past it.
m[10:12] = b'dd'; os.pwrite(w, b'e', 12); m.flush()
seen += [m[9:14], os.pread(r, 5, 9)]
os.ftruncate(w, 6); os.write(w, b'f')
seen += [os.pread(r, 3, 5), os.fstat(r).st_size, os.stat('new').st_size]
print(seen)
"`);
  assert.equal(ran.err, '');
  assert.equal(
    ran.out,
    `[True, b'a', True, b'acccca', 8000, b'addea', b'addea', b'a\\x00\\x00', 8001, 8001]\n`,
  );
  assert.equal(readFileSync(join(p.share, 'new')).length, 8001);
});

test('the kernel does not ask for the capabilities of a file that is only written', {
  skip: reason ?? older,
}, async (t) => {
  const p = await pair(t, () => undefined);
  const ran = await p.sh(
    'mkdir d; for n in a b; do for i in 1 2 3 4; do echo $n$i | dd of=d/$i conv=notrunc status=none; done; cat d/*; done',
  );
  assert.deepEqual([ran.err, ran.out], ['', 'a1\na2\na3\na4\nb1\nb2\nb3\nb4\n']);
  assert.equal(p.stats.byOpcode[OP.getxattr], 0);
  assert.equal(p.stats.byOpcode[OP.write], 8);
});

test('one write that is to be on the disk is synced, whether the kernel says so or not', here, async (t) => {
  const p = await pair(t, () => undefined);
  let files = 0;
  const write = (how: string, flags: string): Promise<number> =>
    p.messagesOf(`python3 -c "
import os
fd = os.open('f${files++}', ${how}, 0o644)
for i in range(64): assert os.pwritev(fd, [b'x'], i, ${flags}) == 1
"`);
  for (const how of ['os.O_WRONLY | os.O_CREAT', 'os.O_RDWR | os.O_CREAT']) {
    await write(how, '0');
    const plain = await write(how, '0');
    // Looks at the folder may come between, or not.
    for (const flags of ['os.RWF_DSYNC', 'os.RWF_SYNC']) {
      const more = (await write(how, flags)) - plain;
      assert.ok(more >= 50 && more <= 90, `${more} messages more for 64 writes with ${flags}, ${how}`);
    }
  }
  // Through the page cache the kernel sends FSYNC for either.
  if (older !== false) return;
  // What the file was opened with, the server's own write does.
  const opened = 'os.O_WRONLY | os.O_CREAT | os.O_DSYNC';
  const plain = await write(opened, '0');
  assert.ok((await write(opened, 'os.RWF_DSYNC')) - plain <= 14);
  assert.ok((await write(opened, 'os.RWF_SYNC')) - plain >= 50);
});
