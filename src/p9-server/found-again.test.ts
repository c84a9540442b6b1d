// SPDX-License-Identifier: MIT
// Objects whose descriptor was closed for another's sake, found again although what tells them apart has changed.

import assert from 'node:assert/strict';
import {
  appendFileSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  renameSync,
  rmSync,
  unlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { release, tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { bound, idle } from '../../test/helpers/bindfs.ts';
import { cannotMount, run } from '../../test/helpers/cli.ts';
import { scratch } from '../../test/helpers/places.ts';
import type { Raw9p } from '../../test/helpers/raw9p.ts';
import { startQfsd } from '../../test/helpers/server.ts';
import { ESTALE } from '../base/errno.ts';
import { MS_REMOUNT, mount } from '../linux/mount.ts';
import { T } from '../p9/messages.ts';

const OTHERS = 300;
const FIRST_OTHER = 100;

function others(dir: string): void {
  for (let i = 0; i < OTHERS; i++) writeFileSync(join(dir, `o${i}`), '');
}

/** A client of a server that keeps 64 descriptors. */
async function crowded(t: TestContext, dir: string): Promise<Raw9p> {
  const { client } = startQfsd(t, dir, { sandbox: 'none', args: ['--max-fds', '64'] });
  await client.attach();
  return client;
}

/** So many other objects that every descriptor before them is closed. */
async function crowdOut(c: Raw9p): Promise<void> {
  for (let i = 0; i < OTHERS; i++) assert.equal((await c.walk(0, FIRST_OTHER + i, `o${i}`)).errno, 0);
}

const look = async (c: Raw9p, fid: number): Promise<number> =>
  (await c.call(T.getattr, { fid, mask: 0x7ff })).errno;

test('a file that has lost the name by which it was reached, and has another', async (t) => {
  for (const lose of [
    async (c: Raw9p) => assert.equal((await c.call(T.unlinkat, { fid: 0, name: 'f', flags: 0 })).errno, 0),
    async (_: Raw9p, dir: string) => unlinkSync(join(dir, 'f')),
    async (_: Raw9p, dir: string) => renameSync(join(dir, 'o0'), join(dir, 'f')),
  ]) {
    const dir = scratch(t, 'found-again');
    others(dir);
    writeFileSync(join(dir, 'f'), 'hello');
    linkSync(join(dir, 'f'), join(dir, 'g'));
    const c = await crowded(t, dir);
    await c.walk(0, 1, 'f');
    await lose(c, dir);
    writeFileSync(join(dir, 'o0'), '');
    await crowdOut(c);
    assert.equal(await look(c, 1), 0);
    assert.equal((await c.call(T.lopen, { fid: 1, flags: 0 })).errno, 0);
    const r = await c.call(T.read, { fid: 1, offset: 0, count: 10 });
    assert.equal(Buffer.from(r.data).toString(), 'hello');
    c.close();
  }
});

test('a name that ends as the kernel marks what has none is a name', async (t) => {
  const dir = scratch(t, 'found-again');
  others(dir);
  const path = join(dir, 'x (deleted)');
  writeFileSync(path, '');
  const c = await crowded(t, dir);
  await c.walk(0, 1, 'x (deleted)');
  await crowdOut(c);
  rmSync(path);
  // It was given up, not kept: another file has the name now.
  writeFileSync(path, '');
  assert.equal(await look(c, 1), ESTALE);
  c.close();
});

/** A folder for mounts, which end with the test; undefined, and the test skipped, where nothing can be mounted. */
function mountPlace(t: TestContext): string | undefined {
  const reason = cannotMount();
  if (reason !== undefined) {
    t.skip(reason);
    return undefined;
  }
  const top = mkdtempSync(join(tmpdir(), 'ninefold-found-again-'));
  t.after(async () => {
    for (const dir of ['merged', 'memory']) await run(['umount', '-l', join(top, dir)]);
    rmSync(top, { recursive: true });
  });
  for (const dir of ['merged', 'memory']) mkdirSync(join(top, dir));
  return top;
}

test('overlayfs: a file and a folder that were copied up', async (t) => {
  const [major = 0, minor = 0] = release().split('.').map(Number);
  if (major < 6 || (major === 6 && minor < 6)) return t.skip('needs Linux 6.6, where overlayfs has handles');
  const top = mountPlace(t);
  if (top === undefined) return;
  const memory = join(top, 'memory');
  assert.equal((await run(['mount', '-t', 'tmpfs', 'tmpfs', memory])).code, 0);
  for (const dir of ['lower', 'lower/d', 'upper', 'work']) mkdirSync(join(memory, dir));
  writeFileSync(join(memory, 'lower/f'), 'hello');
  others(join(memory, 'lower'));
  const merged = join(top, 'merged');
  const layers = `lowerdir=${memory}/lower,upperdir=${memory}/upper,workdir=${memory}/work`;
  const made = await run(['mount', '-t', 'overlay', 'overlay', '-o', layers, merged]);
  if (/unknown filesystem type/.test(made.stderr)) return t.skip('needs a kernel with overlayfs');
  assert.equal(made.code, 0, made.stderr);
  const c = await crowded(t, merged);
  await c.walk(0, 1, 'f');
  await c.walk(0, 2, 'd');
  await c.walk(0, 3, 'o1');
  await crowdOut(c);
  appendFileSync(join(merged, 'f'), ' world');
  writeFileSync(join(merged, 'd/new'), 'x');
  rmSync(join(merged, 'o1'));
  writeFileSync(join(merged, 'o1'), '');
  assert.deepEqual([await look(c, 1), await look(c, 2)], [0, 0]);
  assert.equal(await look(c, 3), ESTALE, 'another file of that name is not the same');
  c.close();
});

test('FUSE: what the kernel has forgotten meanwhile', async (t) => {
  const top = mountPlace(t);
  if (top === undefined) return;
  const real = join(top, 'real');
  mkdirSync(real);
  writeFileSync(join(real, 'f'), 'hello');
  others(real);
  // What was changed just now is not told from another of the same number.
  await sleep(3100);
  const merged = join(top, 'merged');
  if (!(await bound(t, real, merged))) return;
  const c = await crowded(t, merged);
  await c.walk(0, 1, 'f');
  await c.walk(0, 2, 'o1');
  await crowdOut(c);
  utimesSync(join(real, 'o1'), 1, 1);
  // Drops the names of the file system that nobody uses, as the kernel does when memory is wanted.
  assert.equal(mount('none', merged, '', MS_REMOUNT, ''), 0);
  await idle(merged);
  assert.equal(await look(c, 1), 0);
  assert.equal(await look(c, 2), ESTALE, 'it was changed meanwhile, and may be another');
  c.close();
});
