// SPDX-License-Identifier: MIT

import assert from 'node:assert/strict';
import { closeSync } from 'node:fs';
import { Socket } from 'node:net';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { sys } from '../../test/helpers/linux.ts';
import { Raw9p } from '../../test/helpers/raw9p.ts';
import { EBADF, EINVAL, EIO, ENOSPC } from '../base/errno.ts';
import { O_RDONLY, O_RDWR, O_WRONLY } from '../base/sys.ts';
import { Turns } from '../base/turns.ts';
import { socketpair } from '../linux/net.ts';
import { T } from '../p9/messages.ts';
import { Connection, DEFAULT_LIMITS, Stats } from './index.ts';
import { Tree, type TreeFile, type TreeFolder, type TreeObject } from './tree.ts';

/** A client of a tree; at the end the connection must not have ended by itself. */
async function withTree(root: TreeFolder, run: (c: Raw9p) => Promise<void>): Promise<void> {
  const pair: [number, number] = [-1, -1];
  assert.ok(socketpair(pair) >= 0);
  const turns = new Turns(sys);
  let ended = '';
  new Connection({
    sys,
    turns,
    readFd: pair[0],
    writeFd: pair[0],
    backend: new Tree(root),
    stats: new Stats(),
    limits: DEFAULT_LIMITS,
    done: (end) => {
      ended = end.why;
      turns.stop();
    },
  });
  const over = turns.run();
  const c = new Raw9p(new Socket({ fd: pair[1] }));
  await c.attach();
  await run(c);
  assert.equal(ended, '');
  c.close();
  await over;
  closeSync(pair[0]);
}

const folder = (entries: Record<string, TreeObject>, more: Partial<TreeFolder> = {}): TreeFolder => ({
  kind: 'folder',
  names: () => Object.keys(entries),
  get: (name) => entries[name],
  ...more,
});

const fail = (errno?: number): never => {
  throw Object.assign(new Error('the program could not'), errno === undefined ? {} : { errno });
};

test('a method that throws, and an answer that is none, fail that request and nothing else', async () => {
  const file: TreeFile = { kind: 'file', size: 10, read: () => fail() };
  const full: TreeFile = { ...file, write: () => fail(-ENOSPC), resize: () => fail() };
  const unsized = {
    ...file,
    get size(): number {
      return fail();
    },
  };
  const wrong = { ...file, read: async () => undefined as unknown as Uint8Array };
  const root = folder(
    { file, full, unsized, wrong, bad: folder({}, { names: () => fail(), get: () => fail() }) },
    {},
  );
  await withTree(root, async (c) => {
    const opened = async (fid: number, name: string, flags = O_RDONLY): Promise<void> => {
      assert.equal((await c.walk(0, fid, name)).errno, 0);
      assert.equal((await c.call(T.lopen, { fid, flags })).errno, 0);
    };
    await opened(1, 'file');
    assert.equal((await c.call(T.read, { fid: 1, offset: 0, count: 10 })).errno, EIO);
    await opened(2, 'full', O_RDWR);
    assert.equal((await c.call(T.write, { fid: 2, offset: 0, data: 'x' })).errno, ENOSPC);
    assert.equal((await c.call(T.setattr, { fid: 2, mask: 8, attr: { size: 1 } })).errno, EIO);
    assert.equal((await c.walk(0, 3, 'unsized')).errno, EIO);
    assert.equal((await c.call(T.getattr, { fid: 3, mask: 1 })).errno, EBADF);
    await opened(4, 'wrong');
    assert.equal((await c.call(T.read, { fid: 4, offset: 0, count: 10 })).errno, EIO);
    await opened(5, 'bad');
    assert.equal((await c.call(T.readdir, { fid: 5, offset: 0, count: 1000 })).errno, EIO);
    assert.equal((await c.walk(0, 6, 'bad', 'x')).errno, EIO);
    assert.equal((await c.call(T.getattr, { fid: 0, mask: 1 })).errno, 0);
  });
});

test('a link is as long as what it says, in bytes', async () => {
  const target = 'Überraschung/größer/😀';
  await withTree(folder({ link: { kind: 'link', target } }), async (c) => {
    await c.walk(0, 1, 'link');
    const { size } = (await c.call(T.getattr, { fid: 1, mask: 0x7ff })).msg.attr;
    assert.equal(size, Buffer.byteLength(target));
    assert.equal((await c.call(T.readlink, { fid: 1 })).msg.name2.len, size);
  });
});

test('a file is read and written only as it was opened', async () => {
  let written = '';
  const file: TreeFile = {
    kind: 'file',
    size: 1,
    read: () => new Uint8Array(1),
    write: (_offset, data) => {
      written += Buffer.from(data).toString();
      return data.length;
    },
  };
  await withTree(folder({ file }), async (c) => {
    for (const [flags, reads, writes] of [
      [O_RDONLY, 0, EBADF],
      [O_WRONLY, EBADF, 0],
      [O_RDWR, 0, 0],
    ] as const) {
      await c.walk(0, 1, 'file');
      assert.equal((await c.call(T.lopen, { fid: 1, flags })).errno, 0);
      assert.equal((await c.call(T.read, { fid: 1, offset: 0, count: 1 })).errno, reads, `${flags}`);
      assert.equal(
        (await c.call(T.write, { fid: 1, offset: 0, data: `${flags}` })).errno,
        writes,
        `${flags}`,
      );
      await c.call(T.clunk, { fid: 1 });
    }
    await c.walk(0, 1, 'file');
    assert.equal((await c.call(T.lopen, { fid: 1, flags: 3 })).errno, EINVAL);
  });
  assert.equal(written, '12');
});

test('a fid walked in place in a slow tree, with other requests meanwhile', async () => {
  const file: TreeFile = { kind: 'file', size: 1, read: () => new Uint8Array(1) };
  const slow = folder(
    {},
    {
      get: async () => {
        await sleep(20);
        return file;
      },
    },
  );
  await withTree(slow, async (c) => {
    await c.walk(0, 1);
    c.send(
      Buffer.concat([
        c.frame(T.walk, { fid: 1, newfid: 1, names: ['file'] }, 10),
        c.frame(T.getattr, { fid: 0, mask: 1 }, 11),
      ]),
    );
    const replies = [await c.next(), await c.next()];
    assert.deepEqual(
      replies.map((r) => [r?.tag, r?.errno]),
      [
        [11, 0],
        [10, 0],
      ],
    );
  });
});
