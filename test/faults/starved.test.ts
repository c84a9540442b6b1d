// SPDX-License-Identifier: MIT
// Too few descriptors, too little memory, peers that do not read.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { T } from '../../src/p9/messages.ts';
import { run } from '../helpers/cli.ts';
import { scratch } from '../helpers/places.ts';
import { seedOf } from '../helpers/random.ts';
import { startQfsd } from '../helpers/server.ts';
import { file, folder } from '../hostile/fake-server.ts';
import { rig } from '../hostile/rig.ts';
import { ask, mountShare, needsMount, sides, unmountShare, withGround } from '../scale/ground.ts';
import { besideAnother, pause, unmountWhatIsThere } from './bystander.ts';
import { beside, Writer } from './ground.ts';
import { GONE } from './kills.ts';
import { lost } from './survived.ts';

test(
  '128 descriptors for both sides: EMFILE or ENFILE, and all is well when some are closed',
  needsMount,
  async (t) => {
    await besideAnother(() =>
      withGround('few', tmpdir(), async (g) => {
        await mountShare(g, { program: 'qfsd', through: ['prlimit', '--nofile=128:128', '--'] });
        const r = await ask<{ opened: number; code: string; after: string }>(beside('open-until', g.mnt));
        t.diagnostic(JSON.stringify(r));
        assert.ok(['EMFILE', 'ENFILE'].includes(r.code), r.code);
        assert.ok(r.opened >= 20, `only ${r.opened} files`);
        assert.equal(r.after, 'done');
        await unmountShare(g);
      }),
    );
  },
);

const MEMORY_GROUP = ['/sys/fs/cgroup/memory'].find((d) => existsSync(join(d, 'memory.limit_in_bytes')));
const needsGroup =
  needsMount.skip !== undefined
    ? needsMount
    : MEMORY_GROUP === undefined
      ? { skip: 'needs a cgroup (version 1) for memory' }
      : {};

/** A memory group of its own, of so many bytes; `enter`: a command put in front of what shall run in it. */
async function withGroup(
  bytes: number,
  work: (enter: string[], dir: string) => Promise<void>,
): Promise<void> {
  const dir = join(MEMORY_GROUP as string, `ninefold-${process.pid}`);
  mkdirSync(dir);
  try {
    writeFileSync(join(dir, 'memory.limit_in_bytes'), String(bytes));
    await work(['sh', '-c', 'echo $$ >"$0"/cgroup.procs; exec "$@"', dir], dir);
  } finally {
    for (let i = 0; i < 50; i++) {
      try {
        rmdirSync(dir);
        break;
      } catch {
        // Whoever was in it is still ending.
        await pause(50);
      }
    }
  }
}

test(
  'both sides with 160 MB for everything, the page cache included: slower, and right',
  needsGroup,
  async (t) => {
    const seed = seedOf();
    await withGroup(160 << 20, (enter, group) =>
      besideAnother(() =>
        withGround('memory', tmpdir(), async (g) => {
          await mountShare(g, { program: 'qfsd', through: enter });
          const copy = await run(
            ['dd', 'if=/dev/zero', `of=${g.mnt}/large`, 'bs=1M', 'count=300', 'conv=fsync'],
            { patience: 120_000 },
          );
          assert.equal(copy.code, 0, copy.stderr);
          const read = await run(['cmp', '-n', String(300 << 20), join(g.mnt, 'large'), '/dev/zero'], {
            patience: 120_000,
          });
          assert.equal(read.code, 0, read.stderr);
          mkdirSync(join(g.share, 'w'));
          const writer = new Writer();
          const record = await writer.run(join(g.mnt, 'w'), seed, () => {}, 50);
          await writer.end();
          assert.equal(record.code, 'done');
          assert.deepEqual(lost(join(g.share, 'w'), record), []);
          t.diagnostic(`${readFileSync(join(group, 'memory.failcnt'), 'utf8').trim()} times at the limit`);
          await unmountShare(g);
        }),
      ),
    );
  },
);

/** Takes memory until its group has none left; the kernel kills whom it was told to prefer. */
const HOG = `
const kept = [];
while (kept.length < 1000) kept.push(Buffer.alloc(1 << 20, 1));
`;

test('memory runs out and the kernel kills one side: as any other end', needsGroup, async (t) => {
  const seed = seedOf();
  await withGroup(220 << 20, (enter) =>
    besideAnother(() =>
      withGround('oom', tmpdir(), async (g) => {
        await mountShare(g, { program: 'qfsd', through: enter });
        mkdirSync(join(g.share, 'w'));
        const both = await sides(g);
        const writer = new Writer();
        const victim = seed % 2 === 0 ? 'server' : 'mount';
        writeFileSync(`/proc/${both[victim]}/oom_score_adj`, '1000');
        const works = writer.run(join(g.mnt, 'w'), seed);
        await pause(200);
        const [command = '', ...args] = [...enter, process.execPath, '-e', HOG];
        const hog = spawn(command, args, { stdio: 'ignore' });
        const record = await works;
        hog.kill('SIGKILL');
        await writer.end();
        t.diagnostic(
          `NINEFOLD_SEED=${seed}: ${record.acknowledged.length} steps until ${record.code}; the mount's process ${alive(both.mount) ? 'lived' : 'was killed'}, the server ${alive(both.server) ? 'lived' : 'ended'}`,
        );
        assert.ok(GONE.includes(record.code), record.code);
        assert.deepEqual(lost(join(g.share, 'w'), record), []);
        await unmountWhatIsThere(g);
      }),
    ),
  );
});

function alive(pid: number): boolean {
  return existsSync(`/proc/${pid}`);
}

test('a client that asks and never reads ends with its connection, and others are served', async (t) => {
  const dir = scratch(t, 'deaf');
  writeFileSync(join(dir, 'large'), Buffer.alloc(1 << 20));
  const deaf = startQfsd(t, dir, { sandbox: 'none' });
  const other = startQfsd(t, dir, { sandbox: 'none' });
  for (const s of [deaf, other]) {
    await s.client.attach();
    await s.client.walk(0, 1, 'large');
    await s.client.call(T.lopen, { fid: 1, flags: 0 });
  }
  deaf.client.socket.pause();
  for (let i = 0; i < 2000; i++)
    deaf.client.send(deaf.client.frame(T.read, { fid: 1, offset: 0, count: 60_000 }));
  for (let i = 0; i < 200; i++)
    assert.equal((await other.client.call(T.read, { fid: 1, offset: 0, count: 60_000 })).errno, 0);
  // Its process ends when the connection does, though replies still wait.
  deaf.client.close();
  const ended = await Promise.race([deaf.exit, pause(10_000).then(() => 'still there')]);
  assert.ok(ended === 0 || ended === 8, `ended with ${ended}`);
  assert.equal(await other.close(), 0);
});

test(
  'a server that takes requests no more: unmounting works, and whoever waited is told',
  needsMount,
  async () => {
    const files = Array.from({ length: 8 }, (_, i) => [`f${i}`, file(10 + i, 'x')] as const);
    const r = await rig(folder(1, Object.fromEntries(files)));
    try {
      let opened = 0;
      let writes = 0;
      r.server.bend = (_reply, m) => {
        if (m.type === T.lopen) opened++;
        if (m.type !== T.write || opened < files.length) return undefined;
        writes++;
        r.server.deaf = true;
        return [];
      };
      // Together more than the socket holds: the mount is in the middle of a message, and reads nothing from the kernel any more.
      const all = files.map(([name]) =>
        run(['dd', 'if=/dev/zero', `of=${r.dir}/${name}`, 'bs=1M', 'count=4000', 'conv=notrunc']),
      );
      for (let i = 0; i < 500 && writes === 0; i++) await pause(20);
      await pause(500);
      await r.unmount();
      const late = pause(10_000).then(() => ({ kind: 'still there' }));
      assert.equal((await Promise.race([r.end, late])).kind, 'unmounted');
      for (const dd of all) assert.equal((await dd).code, 1, 'told, and not killed');
    } finally {
      await r.unmount();
      await r.close();
    }
  },
);
