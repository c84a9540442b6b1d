// SPDX-License-Identifier: MIT

import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, connect as netConnect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { duplexPair } from 'node:stream';
import { type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  connect,
  NinefoldError,
  P9Error,
  type P9Files,
  type Served,
  serve,
  type TreeFolder,
  treeOfJson,
} from '../../src/index.ts';

/** Two ends of a connected Unix socket, as streams. */
async function streams(t: TestContext): Promise<[Socket, Socket]> {
  const dir = mkdtempSync(join(tmpdir(), 'nf-lib-'));
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(join(dir, 's'), resolve));
  const accepted = new Promise<Socket>((resolve) => server.once('connection', resolve));
  const a = netConnect(join(dir, 's'));
  const b = await accepted;
  server.close();
  t.after(() => {
    a.destroy();
    b.destroy();
    rmSync(dir, { recursive: true, force: true });
  });
  return [a, b];
}

async function shared(
  t: TestContext,
  what: string | TreeFolder,
  options = {},
): Promise<{ files: P9Files; served: Served }> {
  const [near, far] = await streams(t);
  const served = serve(what, far, options);
  const files = await connect(near);
  t.after(async () => {
    files.close();
    await served.ended;
  });
  return { files, served };
}

test('a folder: written, listed, renamed, removed through promises, and ended cleanly', async (t) => {
  const dir = mkdtempSync(join(tmpdir(), 'nf-lib-'));
  t.after(() => rmSync(dir, { recursive: true, force: true }));
  const { files, served } = await shared(t, dir);
  const big = Buffer.alloc(3_000_000, 'abcdefg');
  await files.mkdir('d');
  await Promise.all([
    files.writeFile('d/big', big),
    files.writeFile('d/small', 'x'),
    files.writeFile('top', 'y'),
  ]);
  assert.deepEqual(readFileSync(join(dir, 'd/big')), big);
  assert.deepEqual(Buffer.from(await files.readFile('/d/big')), big);
  assert.deepEqual((await files.readdir('d')).map((e) => e.name).sort(), ['big', 'small']);
  await files.rename('d/small', 'moved');
  await files.unlink('d/big');
  await files.unlink('d', true);
  assert.deepEqual((await files.readdir('/')).map((e) => e.name).sort(), ['moved', 'top']);
  assert.equal((await files.stat('moved')).size, 1);
  await assert.rejects(files.stat('nowhere/at/all'), (e: P9Error) => e instanceof P9Error && e.errno === 2);
  files.close();
  assert.deepEqual(await served.ended, { clean: true, why: 'the peer closed the connection' });
});

test('a folder shared read-only refuses to change', async (t) => {
  const dir = mkdtempSync(join(tmpdir(), 'nf-lib-'));
  t.after(() => rmSync(dir, { recursive: true, force: true }));
  writeFileSync(join(dir, 'a'), 'a');
  mkdirSync(join(dir, 'd'));
  const { files } = await shared(t, dir, { readOnly: true });
  const changes = [
    () => files.writeFile('a', 'b'),
    () => files.mkdir('e'),
    () => files.unlink('a'),
    () => files.rename('a', 'b'),
  ];
  for (const change of changes) await assert.rejects(change(), (e: P9Error) => e.errno === 30);
  assert.equal(readFileSync(join(dir, 'a'), 'utf8'), 'a');
});

test('a JSON document as a tree', async (t) => {
  const { files } = await shared(
    t,
    treeOfJson({ a: 'text', n: 42, list: ['zero', { x: null }], '..': 'never', 'a/b': 'never' }),
  );
  assert.deepEqual(
    (await files.readdir('/')).map((e) => e.name),
    ['a', 'n', 'list'],
  );
  assert.equal(Buffer.from(await files.readFile('a')).toString(), 'text');
  assert.equal(Buffer.from(await files.readFile('list/1/x')).toString(), 'null\n');
  assert.equal((await files.stat('list')).mode, 0o40555);
  await assert.rejects(files.writeFile('a', 'b'), (e: P9Error) => e.errno === 30);
  await assert.rejects(files.stat('..'), (e: P9Error) => e.errno === 22);
});

test('a tree that answers with promises, some of them rejected', async (t) => {
  const slow: TreeFolder = {
    kind: 'folder',
    names: async () => ['now', 'later', 'broken'],
    async get(name) {
      if (name === 'later') await sleep(20);
      if (name === 'missing') return undefined;
      const read = async (offset: number, length: number): Promise<Uint8Array> => {
        if (name === 'broken') throw Object.assign(new Error('no'), { errno: -5 });
        return Buffer.from(name).subarray(offset, offset + length);
      };
      return { kind: 'file', size: name.length, read };
    },
  };
  const { files } = await shared(t, slow);
  const texts = await Promise.all(
    ['later', 'now'].map(async (n) => Buffer.from(await files.readFile(n)).toString()),
  );
  assert.deepEqual(texts, ['later', 'now']);
  await assert.rejects(files.readFile('broken'), (e: P9Error) => e.errno === 5);
  await assert.rejects(files.stat('missing'), (e: P9Error) => e.errno === 2);
});

test('a peer that is not 9P is said to be none', async (t) => {
  const [near, far] = await streams(t);
  far.write('SSH-2.0-OpenSSH_9.2 and more of what a server of another kind would say\r\n');
  await assert.rejects(
    connect(near),
    (e: NinefoldError) => e instanceof NinefoldError && e.code === 'NOT_9P',
  );
});

test('a server that goes away rejects what waits', async (t) => {
  const [near, far] = await streams(t);
  const connecting = connect(near);
  await sleep(10);
  far.destroy();
  await assert.rejects(connecting, (e: NinefoldError) => e.code === 'CONNECTION_LOST');
});

test('streams in memory: an end is heard on both sides, by what waits and by the server', async () => {
  const [near, far] = duplexPair();
  const served = serve(treeOfJson({ a: 'x' }), far);
  const files = await connect(near);
  assert.deepEqual(
    (await files.readdir('/')).map((e) => e.name),
    ['a'],
  );
  files.close();
  assert.deepEqual(await served.ended, { clean: true, why: 'the peer closed the connection' });
  await assert.rejects(files.stat('a'), { code: 'CONNECTION_LOST' });

  const [mine, others] = duplexPair();
  others.once('data', () => others.end());
  await assert.rejects(connect(mine), {
    code: 'CONNECTION_LOST',
    message: /the server closed the connection/,
  });

  const [here, there] = duplexPair();
  const ending = serve(treeOfJson({ a: 'x' }), there);
  const open = await connect(here);
  ending.close();
  await ending.ended;
  await assert.rejects(open.stat('a'), { code: 'CONNECTION_LOST' });
});

test('a folder that is not there ends with the reason on stderr and an exit code', async (t) => {
  const [, far] = await streams(t);
  const served = serve(join(tmpdir(), 'nf-lib-no-such-folder'), far);
  const end = await served.ended;
  assert.equal(end.clean, false);
  assert.match(end.why, /exit code/);
});
