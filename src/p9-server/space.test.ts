// SPDX-License-Identifier: MIT
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, openSync, rmSync, statfsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { bound } from '../../test/helpers/bindfs.ts';
import { cannotMount, run } from '../../test/helpers/cli.ts';
import { sys } from '../../test/helpers/linux.ts';
import { scratch } from '../../test/helpers/places.ts';
import { startQfsd } from '../../test/helpers/server.ts';
import { ENOSPC } from '../base/errno.ts';
import { O_EXCL, O_RDWR } from '../base/sys.ts';
import { SETATTR_SIZE } from '../p9/constants.ts';
import { T } from '../p9/messages.ts';
import { OpenFile } from './open-file.ts';
import { Space } from './space.ts';

const MIB = 1 << 20;
const S_IFIFO = 0o010000;

/** A file system in memory of so many MiB, or that by way of FUSE; undefined, and the test skipped, where it cannot be mounted. */
async function mounted(t: TestContext, mib: number, fuse = false): Promise<string | undefined> {
  const reason = cannotMount();
  if (reason !== undefined) {
    t.skip(reason);
    return undefined;
  }
  const top = mkdtempSync(join(tmpdir(), 'ninefold-space-'));
  const [memory, shown] = [join(top, 'memory'), join(top, 'shown')];
  t.after(async () => {
    await run(['umount', '-l', shown, memory]);
    rmSync(top, { recursive: true });
  });
  for (const dir of [memory, shown]) mkdirSync(dir);
  const made = await run(['mount', '-t', 'tmpfs', '-o', `size=${mib}m`, 'tmpfs', memory]);
  assert.equal(made.code, 0, made.stderr);
  if (!fuse) return memory;
  return (await bound(t, memory, shown)) ? shown : undefined;
}

const free = (dir: string): number => statfsSync(dir).bavail * statfsSync(dir).bsize;

test('--keep-free: what takes space is refused, what takes none is not, and neither when there is room again', async (t) => {
  const dir = await mounted(t, 4);
  if (dir === undefined) return;
  const s = startQfsd(t, dir, { sandbox: 'none', args: ['--keep-free', '2M'] });
  const c = s.client;
  await c.attach();
  await c.walk(0, 1);
  assert.equal((await c.call(T.lcreate, { fid: 1, name: 'f', flags: O_RDWR, mode: 0o600 })).errno, 0);
  let at = 0;
  for (let errno = 0; errno === 0 && at < 4 * MIB; at += 32_768)
    ({ errno } = await c.call(T.write, { fid: 1, offset: at, data: new Uint8Array(32_768).fill(1) }));
  assert.ok(free(dir) >= 2 * MIB);

  const make = { dfid: 0, name: 'new', mode: 0o700, gid: 0 };
  const taking = async (): Promise<number[]> => {
    const errnos: number[] = [];
    errnos.push((await c.call(T.mkdir, make)).errno);
    errnos.push((await c.call(T.mknod, { ...make, name: 'fifo', mode: S_IFIFO | 0o600 })).errno);
    errnos.push((await c.call(T.symlink, { ...make, name: 'link', name2: 'x/'.repeat(2000) })).errno);
    errnos.push((await c.call(T.link, { dfid: 0, fid: 1, name: 'hard' })).errno);
    await c.walk(0, 2);
    errnos.push((await c.call(T.lcreate, { fid: 2, name: 'file', flags: O_RDWR, mode: 0o600 })).errno);
    await c.call(T.clunk, { fid: 2 });
    return errnos;
  };
  assert.deepEqual(await taking(), [ENOSPC, ENOSPC, ENOSPC, ENOSPC, ENOSPC]);
  await c.walk(0, 3, 'f');
  assert.equal((await c.call(T.xattrcreate, { fid: 3, name: 'user.a', size: 100, flags: 0 })).errno, 0);
  await c.call(T.write, { fid: 3, offset: 0, data: new Uint8Array(100) });
  assert.equal((await c.call(T.clunk, { fid: 3 })).errno, ENOSPC);

  // What is there is opened, also by the message that would make it; a hole takes nothing here.
  await c.walk(0, 4);
  assert.equal((await c.call(T.lcreate, { fid: 4, name: 'f', flags: O_RDWR, mode: 0o600 })).errno, 0);
  await c.walk(0, 5);
  assert.notEqual((await c.call(T.lcreate, { fid: 5, name: 'f', flags: O_RDWR | O_EXCL })).errno, 0);
  assert.equal((await c.call(T.setattr, { fid: 4, mask: SETATTR_SIZE, attr: { size: 1 << 30 } })).errno, 0);

  assert.equal((await c.call(T.setattr, { fid: 4, mask: SETATTR_SIZE, attr: { size: 0 } })).errno, 0);
  assert.deepEqual(await taking(), [0, 0, 0, 0, 0]);
  assert.equal(await s.close(), 0, s.stderr());
});

test('--keep-free where files may have no holes: a file that is made longer takes what it is made longer by', async (t) => {
  const dir = await mounted(t, 8, true);
  if (dir === undefined) return;
  const s = startQfsd(t, dir, { sandbox: 'none', args: ['--keep-free', '4M'] });
  const c = s.client;
  await c.attach();
  await c.walk(0, 1);
  assert.equal((await c.call(T.lcreate, { fid: 1, name: 'f', flags: O_RDWR, mode: 0o600 })).errno, 0);
  const grow = async (size: number): Promise<number> =>
    (await c.call(T.setattr, { fid: 1, mask: SETATTR_SIZE, attr: { size } })).errno;
  assert.equal(await grow(6 * MIB), ENOSPC);
  assert.equal(await grow(MIB), 0);
  assert.ok(free(dir) >= 4 * MIB);
  assert.equal(await s.close(), 0, s.stderr());
});

test('many connections that write at once keep free together what each of them keeps', async (t) => {
  const dir = await mounted(t, 64);
  if (dir === undefined) return;
  const keep = 16 * MIB;
  const data = sys.alloc(60 * 1024);
  data.u8.fill(1);
  const writers = Array.from({ length: 24 }, (_, i) => {
    const fd = openSync(join(dir, `f${i}`), 'w+');
    t.after(() => sys.close(fd));
    const file = new OpenFile(fd, { canRead: true, canWrite: true, isDir: false, sync: 'none' });
    return { file, space: new Space(sys, keep), at: 0, full: false };
  });
  while (writers.some((w) => !w.full))
    for (const w of writers) {
      if (!w.full && w.space.forData(w.file, data.size))
        w.at += sys.pwrite(w.file.fd, data, 0, data.size, w.at);
      else w.full = true;
    }
  assert.ok(free(dir) >= keep, `${free(dir)} bytes are free`);
  assert.ok(free(dir) < keep + 24 * data.size, 'what may be used is used');
});

test('with plenty of room the file system is not asked at each write', async (t) => {
  const dir = scratch(t, 'space-asked');
  const fd = openSync(join(dir, 'f'), 'w+');
  t.after(() => sys.close(fd));
  let asked = 0;
  // A disk of 16 TiB is not at hand: its answer is.
  const large: typeof sys = {
    ...sys,
    statfs: (of, out) => {
      asked++;
      const r = sys.statfs(of, out);
      out.dv.setUint32(8, 4096, true);
      out.dv.setBigUint64(32, 1n << 32n, true);
      return r;
    },
  };
  const space = new Space(large, MIB);
  const file = new OpenFile(fd, { canRead: true, canWrite: true, isDir: false, sync: 'none' });
  for (let i = 0; i < 100; i++) assert.ok(space.forData(file, 65_536));
  assert.ok(asked <= 5, `${asked} times in 100 writes`);
});
