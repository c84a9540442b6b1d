// SPDX-License-Identifier: MIT

import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { withShare } from '../../test/helpers/share.ts';
import { EIO } from '../base/errno.ts';
import { O_APPEND, O_DSYNC, O_RDWR, O_SYNC, O_WRONLY, type Sys } from '../base/sys.ts';
import { openSys } from '../linux/index.ts';
import { T } from '../p9/messages.ts';

test('a write to a file opened O_SYNC or O_DSYNC is answered when the disk has it, or says that it has not', async () => {
  const real = openSys();
  const calls: string[] = [];
  let result = 0;
  const note =
    (name: string): Sys['slow']['fsync'] =>
    (_fd, done) => {
      calls.push(`${name}, ${readFileSync(path, 'utf8')}`);
      setImmediate(done, result);
    };
  let path = '';
  await withShare(
    {},
    async (c, dir) => {
      path = join(dir, 'f');
      writeFileSync(path, '');
      const write = async (flags: number): Promise<[number, number]> => {
        await c.walk(0, 1, 'f');
        assert.equal((await c.call(T.lopen, { fid: 1, flags })).errno, 0);
        const r = await c.call(T.write, { fid: 1, offset: 0, data: 'abc' });
        await c.call(T.clunk, { fid: 1 });
        return [r.errno, r.msg.count];
      };
      assert.deepEqual(await write(O_RDWR), [0, 3]);
      assert.deepEqual(calls, []);
      assert.deepEqual(await write(O_RDWR | O_DSYNC), [0, 3]);
      assert.deepEqual(await write(O_WRONLY | O_APPEND | O_SYNC), [0, 3]);
      result = -EIO;
      assert.equal((await write(O_RDWR | O_DSYNC))[0], EIO);
      await c.walk(0, 2);
      assert.equal(
        (await c.call(T.lcreate, { fid: 2, name: 'new', flags: O_RDWR | O_SYNC, mode: 0o600 })).errno,
        0,
      );
      assert.equal((await c.call(T.write, { fid: 2, offset: 0, data: 'x' })).errno, EIO);
    },
    { ...real, slow: { ...real.slow, fsync: note('fsync'), fdatasync: note('fdatasync') } },
  );
  assert.deepEqual(calls, ['fdatasync, abc', 'fsync, abcabc', 'fdatasync, abcabc', 'fsync, abcabc']);
});
