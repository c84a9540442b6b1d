// SPDX-License-Identifier: MIT
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { test } from 'node:test';
import { scratch } from '../../../test/helpers/places.ts';
import { answerStatus, askStatus, type Status } from './control.ts';
import { mountAt, parseMountinfo, readMounts } from './mountinfo.ts';
import { canonical, checkMountPoint } from './point.ts';
import {
  controlPath,
  type Entry,
  isAlive,
  openRegistry,
  readRegistry,
  register,
  registryPath,
  startTicks,
  unregister,
} from './registry.ts';
import { survey } from './survey.ts';

const me: Entry = {
  pid: process.pid,
  startTicks: startTicks(process.pid) ?? '',
  mountpoint: '/nowhere/at all',
  source: 'unix:/x',
  since: 1_700_000_000_000,
  readOnly: false,
};
const status: Status = { state: 'connected', operations: 3, bytesRead: 4, bytesWritten: 5 };

test('mountinfo: escapes, optional fields, the topmost of two', () => {
  const text = [
    '22 1 0:20 / /proc rw,nosuid shared:5 - proc proc rw',
    '40 1 0:40 / /mnt/a\\040b\\134c rw,relatime shared:1 master:2 - fuse.ninefold unix:/x\\040y ro,user_id=0',
    '41 1 8:1 / /mnt/a\\040b\\134c rw - ext4 /dev/sda1 rw',
    'garbage',
    '',
  ].join('\n');
  const mounts = parseMountinfo(text);
  assert.equal(mounts.length, 3);
  assert.deepEqual(mounts[1], {
    id: 40,
    device: '0:40',
    mountpoint: '/mnt/a b\\c',
    fstype: 'fuse.ninefold',
    source: 'unix:/x y',
    options: ['rw', 'relatime', 'ro', 'user_id=0'],
  });
  assert.equal(mountAt(mounts, '/mnt/a b\\c')?.fstype, 'ext4');
  assert.equal(mountAt(mounts, '/mnt'), undefined);
  assert.ok(mountAt(readMounts(), '/') !== undefined, 'the real one reads too');
});

test('entries are written whole, read back, and foreign files left alone', (t) => {
  const dir = join(scratch(t, 'registry'), 'r');
  openRegistry(dir);
  register(dir, me);
  writeFileSync(join(dir, '7.json'), '{"pid": 7');
  writeFileSync(join(dir, '8.json'), JSON.stringify({ ...me, pid: 9 }));
  writeFileSync(join(dir, 'note.txt'), 'x');
  assert.deepEqual(readRegistry(dir), [me]);
  unregister(dir, me.pid);
  assert.deepEqual(readRegistry(dir), []);
  assert.ok(existsSync(join(dir, 'note.txt')));
  assert.deepEqual(readRegistry(join(dir, 'none')), []);
});

test('a registry that others can write is not trusted', (t) => {
  const dir = join(scratch(t, 'registry'), 'r');
  mkdirSync(dir);
  chmodSync(dir, 0o777);
  assert.throws(() => openRegistry(dir), { code: 'REGISTRY', exit: 78 });
  const link = join(scratch(t, 'registry'), 'l');
  symlinkSync(scratch(t, 'registry'), link);
  assert.throws(() => openRegistry(link), { code: 'REGISTRY' });
});

test('the registry is the user’s own', () => {
  const uid = process.geteuid?.();
  const at = registryPath({ XDG_RUNTIME_DIR: '/run/user/5' });
  assert.equal(at, uid === 0 ? '/run/ninefold' : '/run/user/5/ninefold');
  assert.equal(registryPath({ NINEFOLD_RUNTIME_DIR: '/a' }), '/a');
});

test('a process is known by when it began: a reused number is another one', async () => {
  assert.equal(isAlive(me), true);
  assert.equal(isAlive({ ...me, startTicks: '1' }), false);
  const child = spawn('/bin/true');
  await new Promise((resolve) => child.once('exit', resolve));
  assert.equal(startTicks(child.pid ?? 0), undefined);
});

test('a mount process tells how it is; one that lies or is silent is told apart', async (t) => {
  const dir = scratch(t, 'control');
  const server = await answerStatus(join(dir, 'a.sock'), () => status);
  assert.deepEqual(await askStatus(join(dir, 'a.sock')), status);
  server.close();
  assert.equal(await askStatus(join(dir, 'a.sock')), undefined);
  for (const [name, answer] of [
    ['wrong', '{"state":"fine"}\n'],
    ['long', 'x'.repeat(100_000)],
    ['silent', undefined],
  ] as const) {
    const other = createServer((s) => {
      s.on('error', () => {});
      if (answer !== undefined) s.end(answer);
      else s.resume();
    });
    await new Promise<void>((resolve) => other.listen(join(dir, name), resolve));
    assert.equal(await askStatus(join(dir, name)), undefined, name);
    other.close();
  }
});

test('the survey drops what is gone and keeps what is stuck', async (t) => {
  const dir = join(scratch(t, 'survey'), 'r');
  openRegistry(dir);
  register(dir, { ...me, pid: 999_999_999, startTicks: '1' });
  register(dir, me);
  const found = (await survey(dir)).filter((m) => m.state !== 'unknown');
  assert.equal(found.length, 1);
  assert.equal(found[0]?.state, 'stuck');
  assert.deepEqual(readdirSync(dir), [`${process.pid}.json`]);
  const server = await answerStatus(controlPath(dir, me.pid), () => status);
  assert.deepEqual(
    (await survey(dir)).find((m) => m.pid === process.pid),
    {
      mountpoint: me.mountpoint,
      source: me.source,
      readOnly: false,
      since: '2023-11-14T22:13:20.000Z',
      pid: process.pid,
      ...status,
    },
  );
  server.close();
});

test('a mount point is a folder of one’s own, found without looking at what is mounted there', async (t) => {
  const dir = scratch(t, 'point');
  mkdirSync(join(dir, 'm'));
  writeFileSync(join(dir, 'file'), '');
  symlinkSync('m', join(dir, 'link'));
  assert.deepEqual(await checkMountPoint(join(dir, 'm/../m/')), { path: join(dir, 'm'), empty: true });
  assert.equal((await checkMountPoint(join(dir, 'link'))).path, join(dir, 'm'));
  assert.equal((await checkMountPoint(dir)).empty, false);
  assert.equal(await canonical('/'), '/');
  for (const [path, code] of [
    [join(dir, 'none'), 'MOUNTPOINT_MISSING'],
    [join(dir, 'none/deeper'), 'MOUNTPOINT_MISSING'],
    [join(dir, 'file'), 'MOUNTPOINT_NOT_FOLDER'],
    [join(dir, 'file/x'), 'MOUNTPOINT_NOT_FOLDER'],
    ['', 'MOUNTPOINT_MISSING'],
  ] as const)
    await assert.rejects(checkMountPoint(path), { code, exit: 66 }, path);
});
