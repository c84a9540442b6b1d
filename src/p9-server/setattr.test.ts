// SPDX-License-Identifier: MIT

import assert from 'node:assert/strict';
import { chmodSync, chownSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { scratch } from '../../test/helpers/places.ts';
import type { Raw9p } from '../../test/helpers/raw9p.ts';
import { startQfsd } from '../../test/helpers/server.ts';
import { EPERM } from '../base/errno.ts';
import { SETATTR_ATIME, SETATTR_CTIME, SETATTR_MODE, SETATTR_MTIME, SETATTR_SIZE } from '../p9/constants.ts';
import { T } from '../p9/messages.ts';

const OWNER = 64_101;
const OTHER = 64_102;
const NOW = SETATTR_MTIME | SETATTR_CTIME;

/** A file of OWNER's that everyone may write, and a client whose fid 1 is that file in OTHER's hands. */
async function withOthersFile(t: TestContext, mode: number): Promise<{ c: Raw9p; path: string } | undefined> {
  if (process.geteuid?.() !== 0) {
    t.skip('needs root, to act as two users');
    return undefined;
  }
  const dir = scratch(t, 'setattr');
  chmodSync(dir, 0o755);
  const path = join(dir, 'f');
  writeFileSync(path, 'abcdef');
  chownSync(path, OWNER, OWNER);
  chmodSync(path, mode);
  utimesSync(path, 1, 1);
  const { client } = startQfsd(t, dir, { sandbox: 'none' });
  await client.attach(OTHER);
  await client.walk(0, 1, 'f');
  return { c: client, path };
}

// What Linux' client sends for open(O_TRUNC) and truncate(2): size, and mtime and ctime without a value.
test('whoever may write a file may truncate it, with the times of now', async (t) => {
  const { c, path } = (await withOthersFile(t, 0o666)) ?? {};
  if (c === undefined || path === undefined) return;
  const r = await c.call(T.setattr, { fid: 1, mask: SETATTR_SIZE | NOW, attr: { size: 3 } });
  assert.equal(r.errno, 0);
  const s = statSync(path);
  assert.equal(s.size, 3);
  assert.ok(s.mtimeMs > 1_000_000);
  // Alone, setting one of the two times stays the owner's right: utimensat(2).
  assert.equal((await c.call(T.setattr, { fid: 1, mask: SETATTR_MTIME })).errno, EPERM);
  assert.equal((await c.call(T.setattr, { fid: 1, mask: SETATTR_MTIME | SETATTR_ATIME })).errno, 0);
});

test('a truncation that says the mode without set-id bits is done, any other mode is refused', async (t) => {
  const { c, path } = (await withOthersFile(t, 0o6777)) ?? {};
  if (c === undefined || path === undefined) return;
  const truncate = (mode: number) =>
    c.call(T.setattr, { fid: 1, mask: SETATTR_SIZE | SETATTR_MODE | NOW, attr: { size: 1, mode } });
  assert.equal((await truncate(0o100777)).errno, 0);
  assert.equal(statSync(path).mode & 0o7777, 0o777);
  assert.equal((await truncate(0o104777)).errno, EPERM);
  assert.equal((await c.call(T.setattr, { fid: 1, mask: SETATTR_MODE, attr: { mode: 0o700 } })).errno, EPERM);
  assert.equal(statSync(path).mode & 0o7777, 0o777);
});

// What Linux' client sends with cache=loose before the first write of someone who is not the owner.
test('the mode without set-id bits is set by whoever may write, and by nobody else', async (t) => {
  const { c, path } = (await withOthersFile(t, 0o6777)) ?? {};
  if (c === undefined || path === undefined) return;
  const chmod = (mode: number) => c.call(T.setattr, { fid: 1, mask: SETATTR_MODE, attr: { mode } });
  assert.equal((await chmod(0o776)).errno, EPERM);
  assert.equal((await chmod(0o777)).errno, 0);
  assert.equal(statSync(path).mode & 0o7777, 0o777);
  assert.equal(statSync(path).size, 6);
  chmodSync(path, 0o6755);
  assert.equal((await chmod(0o755)).errno, EPERM);
  assert.equal(statSync(path).mode & 0o7777, 0o6755);
});
