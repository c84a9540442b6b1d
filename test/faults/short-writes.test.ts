// SPDX-License-Identifier: MIT
// Servers that take fewer bytes at one time than the kernel gives: by msize, by iounit, because the disk is full. Nothing of a shared map is lost untold, and write(2) is whole.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { T } from '../../src/p9/messages.ts';
import { Between } from '../helpers/between.ts';
import { cannotMount } from '../helpers/cli.ts';
import { scratch } from '../helpers/places.ts';
import { type Mounted, mountOn } from '../hostile/rig.ts';

const reason = cannotMount() ?? (process.geteuid?.() === 0 ? undefined : 'mounts as root only');
const here = reason === undefined ? {} : { skip: reason };
const MAP = 1 << 20;

interface Ground extends Mounted {
  readonly share: string;
  readonly between: Between;
  python(code: string): Promise<string>;
}

async function ground(t: TestContext, bend: (b: Between) => void): Promise<Ground> {
  const share = join(scratch(t, 'short'), 'share');
  mkdirSync(share);
  return await served(t, share, bend);
}

async function served(t: TestContext, share: string, bend: (b: Between) => void): Promise<Ground> {
  const between = new Between(share);
  bend(between);
  const m = await mountOn(between.fd);
  t.after(async () => {
    await m.close();
    await between.end();
  });
  return {
    ...m,
    share,
    between,
    async python(code) {
      const ran = await m.sh(`python3 - <<'P'\nimport os, mmap, errno\n${code}\nP`, 60_000);
      assert.equal(ran.err, '');
      return ran.out.trim();
    },
  };
}

/** A server that agrees to messages of so many bytes. */
function msize(bytes: number): (b: Between) => void {
  return (b) => {
    b.onRequest = (type, m) => {
      if (type === T.version) m.writeUInt32LE(bytes, 7);
      return undefined;
    };
  };
}

/** A server that names an iounit. */
function iounit(bytes: number): (b: Between) => void {
  return (b) => {
    b.onReply = (type, m) => {
      if (type === T.lopen + 1 || type === T.lcreate + 1) m.writeUInt32LE(bytes, 7 + 13);
      return undefined;
    };
  };
}

/** A server that takes no more than so many bytes of what it is given. */
function takes(bytes: number): (b: Between) => void {
  return (b) => {
    b.onRequest = (type, m) => {
      const n = type === T.write ? Math.min(m.readUInt32LE(19), bytes) : 0;
      if (n === 0) return undefined;
      m.writeUInt32LE(n, 19);
      m.writeUInt32LE(23 + n, 0);
      return m.subarray(0, 23 + n);
    };
  };
}

const STORE = `
def store(fd, size):
    os.ftruncate(fd, size); m = mmap.mmap(fd, size)
    m[:] = bytes(i >> 8 & 255 for i in range(size)); m.flush(); os.fsync(fd); m.close()
`;
const stored = Buffer.from(Uint8Array.from({ length: MAP }, (_, i) => (i >> 8) & 255));

const SERVERS = {
  'an msize of 4096': msize(4096),
  'an iounit of 8192': iounit(8192),
  'short counts': takes(5000),
};
for (const [name, bend] of Object.entries(SERVERS)) {
  test(`${name}: what is stored through a map is all there`, here, async (t) => {
    const g = await ground(t, bend);
    assert.equal(
      await g.python(`${STORE}fd = os.open('f', os.O_RDWR | os.O_CREAT); store(fd, ${MAP}); print('well')`),
      'well',
    );
    assert.ok(readFileSync(join(g.share, 'f')).equals(stored));
    // The descriptor appends, and the map does not.
    writeFileSync(join(g.share, 'a'), '');
    assert.equal(
      await g.python(`${STORE}fd = os.open('a', os.O_RDWR | os.O_APPEND); store(fd, ${MAP}); print('well')`),
      'well',
    );
    assert.ok(readFileSync(join(g.share, 'a')).equals(stored));
  });
}

for (const name of ['an msize of 4096', 'an iounit of 8192'] as const) {
  test(`${name}: one write(2) writes it all, in its place or at the end`, here, async (t) => {
    const g = await ground(t, SERVERS[name]);
    const code = `
b = bytes(i >> 8 & 255 for i in range(300000))
for how in (os.O_RDWR, os.O_WRONLY, os.O_WRONLY | os.O_APPEND, os.O_WRONLY | os.O_DIRECT):
    fd = os.open('f%d' % how, how | os.O_CREAT, 0o644); os.write(fd, b'xyz'[:0 if how & os.O_DIRECT else 3]); print(os.write(fd, b), end=' '); os.close(fd)
os.rename('f%d' % os.O_RDWR, 'rw'); os.rename('f%d' % (os.O_WRONLY | os.O_APPEND), 'app')`;
    assert.equal(await g.python(code), '300000 300000 300000 300000');
    for (const f of ['rw', 'app']) {
      const is = readFileSync(join(g.share, f));
      assert.equal(is.length, 300_003);
      assert.ok(is.subarray(3).equals(stored.subarray(0, 300_000)));
    }
  });
}

test('a full disk: whoever stored through a map is told', here, async (t) => {
  let share = '';
  // Before the folder that it is in is removed.
  t.after(() => execFileSync('umount', ['-l', share]));
  share = join(scratch(t, 'full'), 'share');
  mkdirSync(share);
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=512k', 'none', share]);
  const g = await served(t, share, () => undefined);
  const code = `${STORE}
fd = os.open('f', os.O_RDWR | os.O_CREAT)
try: store(fd, ${MAP}); print('well')
except OSError as e: print(errno.errorcode[e.errno])
print(os.write(os.open('g', os.O_WRONLY | os.O_CREAT), b'x') if os.truncate('f', 100000) is None else 0)`;
  assert.equal(await g.python(code), 'ENOSPC\n1');
  // A write gets as far as there is room, and the next hears why.
  const more = `
fd = os.open('h', os.O_WRONLY | os.O_CREAT); n = os.write(fd, bytes(${MAP})); print(0 < n < ${MAP})
try: os.write(fd, bytes(5000))
except OSError as e: print(errno.errorcode[e.errno])`;
  assert.equal(await g.python(more), 'True\nENOSPC');
});
