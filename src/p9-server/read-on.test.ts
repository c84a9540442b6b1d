// SPDX-License-Identifier: MIT

import assert from 'node:assert/strict';
import { closeSync, openSync } from 'node:fs';
import { Socket } from 'node:net';
import { type TestContext, test } from 'node:test';
import { scratch } from '../../test/helpers/places.ts';
import { Raw9p } from '../../test/helpers/raw9p.ts';
import { O_DIRECTORY, type Sys } from '../base/sys.ts';
import { openSys } from '../linux/index.ts';
import { socketpair } from '../linux/net.ts';
import { NOFID, VERSION_EXT } from '../p9/constants.ts';
import { T } from '../p9/messages.ts';
import { DEFAULT_OPTIONS, serveConnection } from './index.ts';

const ASKED = 400;

/** How often the server asked what there is while a client asked 400 times, each time in the moment in which it had the reply. */
async function polls(t: TestContext, watched: boolean): Promise<number> {
  const real = openSys();
  const pair: [number, number] = [-1, -1];
  assert.equal(socketpair(pair), 0);
  const [server, peer] = pair;
  // Only to make messages.
  const maker = new Raw9p(new Socket());
  const again = real.alloc(64);
  const reply = real.alloc(4096);
  let asked = 0;
  let polls = 0;
  const sys: Sys = {
    ...real,
    send: (fd, mem, off, len) => {
      const n = real.send(fd, mem, off, len);
      real.recv(peer, reply, 0, reply.size);
      if (asked++ === ASKED) closeSync(peer);
      else assert.equal(real.send(peer, again, 0, frame.length), frame.length);
      return n;
    },
    poll: (...args) => {
      polls++;
      return real.poll(...args);
    },
  };
  const frame = maker.frame(T.getattr, { fid: 0, mask: 0x7ff });
  again.u8.set(frame);
  const rootFd = openSync(scratch(t, 'read-on'), O_DIRECTORY);
  const served = serveConnection({ sys, readFd: server, writeFd: server, rootFd, options: DEFAULT_OPTIONS });
  const first = Buffer.concat([
    maker.frame(T.version, { msize: 8192, name: VERSION_EXT }, 0xffff),
    maker.frame(T.attach, { fid: 0, afid: NOFID, name: '', name2: '', nuname: process.getuid?.() ?? 0 }),
    ...(watched ? [maker.frame(T.watch, { fid: 0, id: 1 })] : []),
    frame,
  ]);
  const mem = real.alloc(first.length);
  mem.u8.set(first);
  real.send(peer, mem, 0, first.length);
  const end = await served;
  assert.equal(end.clean, true, end.why);
  assert.equal(asked, ASKED + 1);
  closeSync(server);
  closeSync(rootFd);
  return polls;
}

test('the next request of a client that waits for each reply is read at once; after 32, others have their turn', async (t) => {
  const n = await polls(t, false);
  assert.ok(n >= ASKED / 32 && n < ASKED / 16, `${n} looks for ${ASKED} requests`);
});

test('with a folder watched, what has changed is looked for before each answer', async (t) => {
  const n = await polls(t, true);
  assert.ok(n >= ASKED, `${n} looks for ${ASKED} requests`);
});
