// SPDX-License-Identifier: MIT
import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import { test } from 'node:test';
import { ELOOP, ENOSPC, ENOTDIR, ENXIO, EXDEV } from '../../src/base/errno.ts';
import { T } from '../../src/p9/messages.ts';
import { scratch } from '../helpers/places.ts';
import type { Raw9p } from '../helpers/raw9p.ts';
import { type Served, startQfsd } from '../helpers/server.ts';
import { allowed, isRoot, refused, SANDBOXES } from './arena.ts';

/** A share with a procfs and two tmpfs inside, in a mount namespace that ends with the server. */
function serveMounts(t: Parameters<typeof startQfsd>[0], dir: string, sandbox: string): Served {
  const setUp = `
    mount -t proc proc "$0/proc" && mount -t tmpfs tmpfs "$0/one" && mount -t tmpfs tmpfs "$0/two" &&
    echo one > "$0/one/file" && echo two > "$0/two/file" && mkdir "$0/one/dir" && exec "$@"`;
  return startQfsd(t, dir, { sandbox, through: ['unshare', '-m', 'sh', '-c', setUp, dir] });
}

async function content(c: Raw9p, ...names: string[]): Promise<string> {
  await allowed(c, T.walk, { fid: 0, newfid: 90, names });
  await allowed(c, T.lopen, { fid: 90, flags: 0 });
  const r = await allowed(c, T.read, { fid: 90, offset: 0, count: 1000 });
  await allowed(c, T.clunk, { fid: 90 });
  return Buffer.from(r.data).toString();
}

for (const sandbox of SANDBOXES)
  test(`a procfs and tmpfs inside the share, --sandbox ${sandbox}`, {
    skip: isRoot ? false : 'needs root',
  }, async (t) => {
    const dir = scratch(t, 'mounts');
    for (const name of ['proc', 'one', 'two', 'plain']) fs.mkdirSync(`${dir}/${name}`);
    fs.writeFileSync(`${dir}/plain/file`, 'plain');
    const s = serveMounts(t, dir, sandbox);
    const c = s.client;
    assert.equal((await c.attach()).errno, 0, s.stderr());

    await t.test('the file systems are there', async () => {
      assert.equal(await content(c, 'one', 'file'), 'one\n');
      assert.equal(await content(c, 'two', 'file'), 'two\n');
      assert.match(await content(c, 'proc', 'version'), /Linux/);
    });

    await t.test('magic links are not followed, opened or created through', async () => {
      for (const link of [
        ['root'],
        ['cwd'],
        ['exe'],
        ['fd', '0'],
        ['fd', '2'],
        ['ns', 'mnt'],
        ['task', '1', 'root'],
      ]) {
        const r = await c.walk(0, 1, 'proc', '1', ...link);
        if (r.errno !== 0 || r.msg.nwqid < link.length + 2) continue;
        for (const flags of [0, 1, 2, 0o200000])
          await refused(c, T.lopen, { fid: 1, flags }, ELOOP, ENXIO, ENOTDIR);
        await refused(c, T.walk, { fid: 1, newfid: 2, names: ['etc'] });
        await refused(c, T.walk, { fid: 1, newfid: 2, names: ['..'] });
        await c.call(T.clunk, { fid: 1 });
      }
      for (const names of [
        ['proc', '1', 'root', 'etc', 'passwd'],
        ['proc', 'self', 'root', 'etc'],
        ['proc', 'self', 'cwd', '..', 'etc'],
        ['proc', 'thread-self', 'root', 'etc'],
      ]) {
        const r = await c.walk(0, 3, ...names);
        assert.ok(r.errno !== 0 || r.msg.nwqid <= 3, `${names.join('/')}: ${r.msg.nwqid} of ${names.length}`);
        await refused(c, T.clunk, { fid: 3 });
      }
      await allowed(c, T.walk, { fid: 0, newfid: 4, names: ['proc', '1'] });
      await refused(c, T.lcreate, { fid: 4, name: 'root', flags: 0, mode: 0o644, gid: 0 });
      await refused(c, T.lcreate, { fid: 4, name: 'cwd', flags: 0o200000, mode: 0o644, gid: 0 });
    });

    await t.test('qid.path is another for every object, though the inode numbers are the same', async () => {
      const seen = new Map<string, string>();
      for (const names of [
        [],
        ['one'],
        ['two'],
        ['proc'],
        ['plain'],
        ['one', 'file'],
        ['two', 'file'],
        ['one', 'dir'],
      ]) {
        const r = await allowed(c, T.walk, { fid: 0, newfid: 5, names });
        await allowed(c, T.clunk, { fid: 5 });
        const qid =
          names.length === 0
            ? (await allowed(c, T.getattr, { fid: 0, mask: 0x7ff })).msg.qid
            : r.msg.qids[names.length - 1];
        const key = `${qid?.pathHi}:${qid?.pathLo}`;
        assert.ok(!seen.has(key), `${names.join('/')} has the qid.path of ${seen.get(key)}`);
        seen.set(key, names.join('/') || 'the root');
      }
    });

    await t.test('.. from the root of a file system inside is the folder that it is mounted in', async () => {
      const root = (await allowed(c, T.getattr, { fid: 0, mask: 0x7ff })).msg.qid;
      for (const name of ['one', 'proc']) {
        const r = await allowed(c, T.walk, { fid: 0, newfid: 6, names: [name, '..'] });
        assert.deepEqual([r.msg.qids[1]?.pathLo, r.msg.qids[1]?.pathHi], [root.pathLo, root.pathHi]);
        await allowed(c, T.clunk, { fid: 6 });
      }
    });

    await t.test('link and rename between them give EXDEV', async () => {
      await allowed(c, T.walk, { fid: 0, newfid: 7, names: ['one', 'file'] });
      await allowed(c, T.walk, { fid: 0, newfid: 8, names: ['two'] });
      await allowed(c, T.walk, { fid: 0, newfid: 9, names: ['one'] });
      await refused(c, T.link, { dfid: 8, fid: 7, name: 'linked' }, EXDEV);
      await refused(c, T.rename, { fid: 7, dfid: 8, name: 'moved' }, EXDEV);
      await refused(c, T.renameat, { fid: 9, name: 'file', newdirfid: 8, name2: 'moved' }, EXDEV);
    });

    await t.test('a mount point is neither removed nor renamed', async () => {
      await refused(c, T.unlinkat, { fid: 0, name: 'one', flags: 0x200 });
      await refused(c, T.renameat, { fid: 0, name: 'one', newdirfid: 0, name2: 'moved' });
    });

    await t.test(
      'all of a process\u2019s folder is listed, and none of it brings the server down',
      async () => {
        await allowed(c, T.walk, { fid: 0, newfid: 20, names: ['proc', '1'] });
        await allowed(c, T.walk, { fid: 20, newfid: 21, names: [] });
        await allowed(c, T.lopen, { fid: 21, flags: 0o200000 });
        const listing = await allowed(c, T.readdir, { fid: 21, offset: 0, count: 60_000 });
        const dv = new DataView(listing.data.buffer, listing.data.byteOffset, listing.data.byteLength);
        let names = 0;
        for (let p = 0; p < listing.data.length; names++) {
          const n = dv.getUint16(p + 22, true);
          const name = listing.data.slice(p + 24, p + 24 + n);
          p += 24 + n;
          const r = await c.walk(20, 22, name);
          if (r.errno !== 0) continue;
          await c.call(T.getattr, { fid: 22, mask: 0x7ff });
          await c.call(T.xattrwalk, { fid: 22, newfid: 23, name: '' });
          await c.call(T.clunk, { fid: 23 });
          await c.call(T.clunk, { fid: 22 });
        }
        assert.ok(names > 10);
        await allowed(c, T.getattr, { fid: 0, mask: 0x7ff });
      },
    );
    assert.equal(await s.close(), 0, s.stderr());
  });

for (const sandbox of SANDBOXES)
  test(`a full disk is told with ENOSPC, --sandbox ${sandbox}`, {
    skip: isRoot ? false : 'needs root',
  }, async (t) => {
    const dir = scratch(t, 'full');
    const through = (size: string): string[] => [
      'unshare',
      '-m',
      'sh',
      '-c',
      `mount -t tmpfs -o size=${size} tmpfs "$0" && exec "$@"`,
      dir,
    ];
    /** Writes to a new file until it is refused: how many bytes went in, and the errno. */
    const fill = async (c: Raw9p, limit: number): Promise<[number, number]> => {
      await allowed(c, T.walk, { fid: 0, newfid: 1, names: [] });
      await allowed(c, T.lcreate, { fid: 1, name: 'filler', flags: 2, mode: 0o644, gid: 0 });
      const data = new Uint8Array(32_768).fill(0x61);
      for (let offset = 0; offset < limit; ) {
        const r = await c.call(T.write, { fid: 1, offset, data });
        if (r.errno !== 0) return [offset, r.errno];
        offset += r.msg.count;
      }
      return [limit, 0];
    };
    await t.test(
      'the write that does not fit is refused, and room is there again after truncation',
      async (t) => {
        const s = startQfsd(t, dir, { sandbox, through: through('4m') });
        const c = s.client;
        await c.attach();
        const [bytes, errno] = await fill(c, 8 << 20);
        assert.equal(errno, ENOSPC);
        assert.ok(bytes > 3 << 20 && bytes <= 4 << 20, `${bytes} bytes`);
        await allowed(c, T.setattr, { fid: 1, mask: 0x8, attr: { size: 0 } });
        await allowed(c, T.write, { fid: 1, offset: 0, data: 'fits' });
        assert.equal(await s.close(), 0, s.stderr());
      },
    );
    await t.test('--keep-free stops before the disk is full', async (t) => {
      const s = startQfsd(t, dir, { sandbox, through: through('4m'), args: ['--keep-free', '2M'] });
      const c = s.client;
      await c.attach();
      const [bytes, errno] = await fill(c, 8 << 20);
      assert.equal(errno, ENOSPC);
      assert.ok(bytes > 1 << 20 && bytes <= 2 << 20, `${bytes} bytes`);
      assert.equal(await s.close(), 0, s.stderr());
    });
  });
