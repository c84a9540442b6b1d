// SPDX-License-Identifier: MIT

import assert from 'node:assert/strict';
import { mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { scratch } from '../../../test/helpers/places.ts';
import { startQfsd } from '../../../test/helpers/server.ts';
import { EBADF, ENOTDIR, EPERM } from '../../base/errno.ts';
import { O_DIRECTORY } from '../../base/sys.ts';
import { NOFID, VERSION_EXT } from '../../p9/constants.ts';
import { T } from '../../p9/messages.ts';

test('a listing says whether what it does not show is not there', async (t) => {
  const dir = join(scratch(t, 'quiet'), 'folder');
  mkdirSync(dir);
  writeFileSync(join(dir, 'one'), '');
  const server = startQfsd(t, dir, { sandbox: 'none' });
  const { client } = server;
  await client.version(65536, VERSION_EXT);
  await client.call(T.attach, { fid: 0, afid: NOFID, name: '', name2: '', nuname: process.getuid?.() ?? 0 });
  /** eof of a listing from an offset: a folder of three entries, whose last cookie is learned first. */
  const eof = async (fid: number, offset: bigint): Promise<number> => {
    assert.equal((await client.walk(0, fid)).errno, 0);
    assert.equal((await client.call(T.lopen, { fid, flags: O_DIRECTORY })).errno, 0);
    const r = await client.call(T.readdirplus, { fid, offset, count: 8192 });
    assert.equal(r.errno, 0);
    const dv = new DataView(r.data.buffer, r.data.byteOffset, r.data.length);
    if (offset === 0n) first = dv.getBigUint64(153, true);
    return r.msg.status;
  };
  let first = 0n;
  await sleep(100);
  assert.equal(await eof(1, 0n), 3, 'nothing has changed since it began');
  writeFileSync(join(dir, 'two'), '');
  renameSync(join(dir, 'two'), join(dir, 'one'));
  assert.equal(await eof(2, first), 1, 'what was listed before may be out of date');
  await sleep(2200);
  assert.equal(await eof(3, first), 3, 'two seconds are enough for that');
  assert.equal(await server.close(), 0);
});

test('a folder that is not open is listed for once, where opening is allowed', async (t) => {
  const dir = scratch(t, 'unopened');
  mkdirSync(join(dir, 'sub'));
  writeFileSync(join(dir, 'sub/a'), '');
  writeFileSync(join(dir, 'file'), '');
  for (const [args, errno] of [
    [[], 0],
    [['--deny', 'lopen'], EPERM],
    [['--deny', 'readdir'], EPERM],
  ] as const) {
    const server = startQfsd(t, dir, {
      sandbox: 'none',
      args: [...args],
      through: ['prlimit', '--nofile=256', '--'],
    });
    const { client } = server;
    await client.version(65536, VERSION_EXT);
    await client.call(T.attach, {
      fid: 0,
      afid: NOFID,
      name: '',
      name2: '',
      nuname: process.getuid?.() ?? 0,
    });
    assert.equal((await client.walk(0, 1, 'sub')).errno, 0);
    assert.equal((await client.walk(0, 2, 'file')).errno, 0);
    const list = (fid: number) => client.call(T.readdirplus, { fid, offset: 0n, count: 8192 });
    // More often than it could keep them open.
    for (let again = 0; again < 300; again++) {
      const r = await list(1);
      assert.equal(r.errno, errno, args.join(' '));
      if (errno === 0) assert.ok(Buffer.from(r.data).includes('a'), 'its entry is there');
    }
    if (errno === 0) {
      assert.equal((await list(2)).errno, ENOTDIR);
      assert.equal((await list(9)).errno, EBADF);
      // It is as unopened as before.
      assert.equal((await client.call(T.lopen, { fid: 1, flags: O_DIRECTORY })).errno, 0);
      assert.equal((await client.call(T.clunk, { fid: 1 })).errno, 0);
    }
    assert.equal(await server.close(), 0);
  }
});
