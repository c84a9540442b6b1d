// SPDX-License-Identifier: MIT
// Mounts that lie, or come to lie, on one folder.

import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { ninefold, type Ran, type Running, run, start } from '../../../test/helpers/cli.ts';
import {
  type Ground,
  mountShare,
  needsMount,
  sides,
  unmountShare,
  withGround,
} from '../../../test/scale/ground.ts';
import { startTicks } from './registry.ts';

const sh = (script: string): Promise<Ran> => run(['/bin/sh', '-c', script], { cwd: '/', patience: 10_000 });

async function done(script: string): Promise<string> {
  const r = await sh(script);
  assert.equal(r.code, 0, r.stderr);
  return r.stdout;
}

/** A program that works in the mount until its `child` is killed. */
async function userOf(path: string): Promise<Running> {
  const user = start(['/bin/sh', '-c', `exec 9< ${path}; echo here >&2; exec sleep 100`], { cwd: '/' });
  await user.says(/here/);
  return user;
}

async function leave(user: Running): Promise<void> {
  user.child.kill('SIGKILL');
  await user.ended;
}

async function ended(pid: number): Promise<void> {
  for (let i = 0; i < 1000 && startTicks(pid) !== undefined; i++) await sleep(10);
  assert.equal(startTicks(pid), undefined, `process ${pid} has ended`);
}

function second(g: Ground): string {
  const share = join(g.dir, 'second');
  mkdirSync(share);
  writeFileSync(join(share, 'hello'), 'second');
  writeFileSync(join(g.share, 'hello'), 'first');
  return share;
}

test('a mount whose last program lets go does not take the next one on its folder along', needsMount, () =>
  withGround('same', tmpdir(), async (g) => {
    const share = second(g);
    await mountShare(g, { program: 'qfsd' });
    const { mount } = await sides(g);
    const user = await userOf(join(g.mnt, 'hello'));
    assert.equal((await ninefold(['unmount', '--lazy', g.mnt], { env: g.env })).code, 0);
    await mountShare(g, { program: 'qfsd', share });
    await leave(user);
    await ended(mount);
    assert.equal(await done(`cat ${g.mnt}/hello`), 'second');
    await unmountShare(g);
  }),
);

test('nor a file system of another kind', needsMount, () =>
  withGround('same', tmpdir(), async (g) => {
    second(g);
    await mountShare(g, { program: 'qfsd' });
    const { mount } = await sides(g);
    const user = await userOf(join(g.mnt, 'hello'));
    await done(`umount -l ${g.mnt} && mount -t tmpfs none ${g.mnt} && echo kept > ${g.mnt}/hello`);
    await leave(user);
    await ended(mount);
    assert.equal(await done(`cat ${g.mnt}/hello`), 'kept\n');
    await done(`umount ${g.mnt}`);
  }),
);

test(
  'a mount that is told to end below another ends, leaves that alone, and stays in the list',
  needsMount,
  () =>
    withGround('same', tmpdir(), async (g) => {
      const share = second(g);
      const at = join(g.dir, 'other');
      mkdirSync(at);
      await mountShare(g, { program: 'qfsd' });
      const { mount } = await sides(g);
      await mountShare(g, { program: 'qfsd', share, at });
      await done(`mount --bind ${at} ${g.mnt}`);
      const user = await userOf(join(g.mnt, 'hello'));
      process.kill(mount, 'SIGTERM');
      await ended(mount);
      assert.equal(await done(`cat ${g.mnt}/hello`), 'second');
      await leave(user);
      await done(`umount ${g.mnt}`);
      const { stdout } = await ninefold(['list'], { env: g.env });
      assert.match(stdout, /mnt +exec:.*disconnected: it was ended while something else was mounted on top/);
      await unmountShare(g);
      await unmountShare(g, at);
    }),
);

test(
  'what umount(8) took away after its server was lost is not listed beside the next mount',
  needsMount,
  () =>
    withGround('same', tmpdir(), async (g) => {
      await mountShare(g, { program: 'qfsd' });
      const { mount, server } = await sides(g);
      process.kill(server, 'SIGKILL');
      await ended(mount);
      assert.equal((await g.list())[0]?.state, 'disconnected');
      await done(`umount ${g.mnt}`);
      await mountShare(g, { program: 'qfsd' });
      assert.deepEqual(
        (await g.list()).map((m) => m.state),
        ['connected'],
      );
      await unmountShare(g);
      assert.deepEqual(await g.list(), []);
    }),
);

test('the list says what a remount has made of it', needsMount, () =>
  withGround('same', tmpdir(), async (g) => {
    await mountShare(g, { program: 'qfsd' });
    const readOnly = async (): Promise<unknown> =>
      (
        JSON.parse((await ninefold(['list', '--json'], { env: g.env })).stdout) as Record<string, unknown>[]
      ).find((m) => m.mountpoint === g.mnt)?.readOnly;
    assert.equal(await readOnly(), false);
    // No helper: the kernel alone.
    await done(`mount -i -o remount,bind,ro ${g.mnt}`);
    assert.equal(await readOnly(), true);
    await unmountShare(g);
  }),
);

test('a mount that the kernel was told to give up is taken away, in use or not', needsMount, () =>
  withGround('same', tmpdir(), async (g) => {
    second(g);
    await mountShare(g, { program: 'qfsd' });
    const { mount } = await sides(g);
    const user = await userOf(join(g.mnt, 'hello'));
    // "umount -f" ends the connection and then finds the mount in use.
    assert.notEqual((await sh(`umount -f ${g.mnt}`)).code, 0);
    await ended(mount);
    assert.doesNotMatch(readFileSync('/proc/self/mountinfo', 'utf8'), new RegExp(g.mnt));
    await leave(user);
  }),
);
