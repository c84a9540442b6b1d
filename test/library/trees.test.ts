// SPDX-License-Identifier: MIT

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { closeSync, writeSync } from 'node:fs';
import { Socket } from 'node:net';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Served, serve, type TreeFolder } from '../../src/index.ts';
import { pipe } from '../../src/linux/descriptors.ts';
import { socketpair } from '../../src/linux/net.ts';
import { NOFID, NOTAG, VERSION } from '../../src/p9/constants.ts';
import { T } from '../../src/p9/messages.ts';
import { Raw9p } from '../helpers/raw9p.ts';

const LARGE = 60_000;
const tree: TreeFolder = {
  kind: 'folder',
  names: () => ['f'],
  get: (name) =>
    name === 'f'
      ? { kind: 'file', size: LARGE, read: (_offset, length) => new Uint8Array(length) }
      : undefined,
};

/** A client of its own process for each descriptor from 3 on, asked in turn: for each, the milliseconds that it took. */
const CLIENT = `
import { Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
const [helper, messages, count] = JSON.parse(process.argv[1]);
const { Raw9p } = await import(helper);
const { T } = await import(messages);
const clients = Array.from({ length: count }, (_, i) => new Raw9p(new Socket({ fd: 3 + i })));
for (const c of clients) await c.attach();
// Quiet for so long that a loop sleeps for good.
await sleep(2500);
const times = [];
for (const c of [...clients, ...clients]) {
  const since = performance.now();
  await Promise.race([c.call(T.getattr, { fid: 0, mask: 0x7ff }), sleep(3000)]);
  times.push(performance.now() - since);
}
console.log(JSON.stringify(times));
process.exit(0);
`;

test('two trees in one process, to peers elsewhere: each is answered at once', async () => {
  const count = 2;
  const near: number[] = [];
  const far: number[] = [];
  const served: Served[] = [];
  for (let i = 0; i < count; i++) {
    const pair: [number, number] = [-1, -1];
    assert.ok(socketpair(pair) >= 0);
    near.push(pair[0]);
    far.push(pair[1]);
    served.push(serve(tree, { readFd: pair[0], writeFd: pair[0] }));
  }
  const modules = ['../helpers/raw9p.js', '../../src/p9/messages.js'].map(
    (m) => new URL(m, import.meta.url).href,
  );
  const child = spawn(
    process.execPath,
    ['--input-type=module', '-e', CLIENT, JSON.stringify([...modules, count])],
    { stdio: ['ignore', 'pipe', 'inherit', ...far] },
  );
  for (const fd of far) closeSync(fd);
  let out = '';
  child.stdout?.on('data', (d: Buffer) => {
    out += d.toString();
  });
  const ends = await Promise.all(served.map((s) => s.ended));
  for (const end of ends) assert.ok(end.clean, end.why);
  for (const fd of near) closeSync(fd);
  await new Promise((ok) => (child.exitCode === null ? child.once('close', ok) : ok(0)));
  const times = JSON.parse(out) as number[];
  assert.equal(times.length, 2 * count);
  for (const ms of times) assert.ok(ms < 1000, `${times.map(Math.round)} ms`);
});

test('a tree on pipes: a peer that does not read does not hold the program', async () => {
  const [one, two]: [[number, number], [number, number]] = [
    [-1, -1],
    [-1, -1],
  ];
  assert.ok(pipe(one) >= 0 && pipe(two) >= 0);
  const served = serve(tree, { readFd: one[0], writeFd: two[1] });
  const c = new Raw9p(new Socket());
  writeSync(
    one[1],
    Buffer.concat([
      c.frame(T.version, { msize: 65_536, name: VERSION }, NOTAG),
      c.frame(T.attach, { fid: 0, afid: NOFID, name: '', name2: '', nuname: 0 }),
      c.frame(T.walk, { fid: 0, newfid: 1, names: ['f'] }),
      c.frame(T.lopen, { fid: 1, flags: 0 }),
      ...Array.from({ length: 20 }, () => c.frame(T.read, { fid: 1, offset: 0, count: LARGE })),
    ]),
  );
  // Were it held, this would never come.
  await sleep(200);
  served.close();
  assert.deepEqual(await served.ended, { clean: true, why: 'closed by this side' });
  for (const fd of [...one, ...two]) closeSync(fd);
});
