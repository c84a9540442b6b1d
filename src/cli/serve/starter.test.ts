// SPDX-License-Identifier: MIT

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { closeSync, openSync, writeFileSync } from 'node:fs';
import { Socket } from 'node:net';
import { join } from 'node:path';
import { test } from 'node:test';
import { program, scratch } from '../../../test/helpers/places.ts';
import { Raw9p } from '../../../test/helpers/raw9p.ts';
import { O_NONBLOCK, O_RDONLY } from '../../base/sys.ts';
import { statusFlags } from '../../linux/descriptors.ts';
import { socketpair } from '../../linux/net.ts';
import { NOFID } from '../../p9/constants.ts';
import { T } from '../../p9/messages.ts';
import { STARTED_BY } from '../../transport/starter.ts';
import { peerIsStarter } from './starter.ts';

const MIB = 1024 * 1024;

test('the peer is who started the server only if it says so and made the socket pair', (t) => {
  const pair: [number, number] = [-1, -1];
  assert.equal(socketpair(pair), 0);
  const file = openSync('/dev/null', 'r');
  t.after(() => [...pair, file].forEach((fd) => void closeSync(fd)));
  const mine = { [STARTED_BY]: String(process.pid) };
  assert.equal(peerIsStarter(pair[0], mine), true);
  assert.equal(peerIsStarter(file, mine), false);
  for (const said of [undefined, '', '0', '-1', 'x', '1', String(process.ppid)])
    assert.equal(peerIsStarter(pair[0], { [STARTED_BY]: said }), false, String(said));
});

for (const said of [true, false]) {
  test(`large reads come whole ${said ? 'in pages of the kernel' : 'as copies'} where the client ${said ? 'says that it has' : 'may not have'} started the server`, async (t) => {
    const dir = scratch(t, 'starter');
    const bytes = randomBytes(2 * MIB);
    writeFileSync(join(dir, 'f'), bytes);
    const pair: [number, number] = [-1, -1];
    assert.equal(socketpair(pair), 0);
    const env = { ...process.env, [STARTED_BY]: said ? String(process.pid) : '' };
    const server = spawn(process.execPath, [program('qfsd'), '3', '3', dir], {
      stdio: ['ignore', 'ignore', 'inherit', pair[0]],
      env,
    });
    const ended = once(server, 'exit');
    const c = new Raw9p(new Socket({ fd: pair[1] }));
    t.after(() => {
      c.close();
      server.kill();
    });
    await c.version(MIB + 24);
    // sendfile(2) cannot be told not to wait: the socket is.
    assert.equal((statusFlags(pair[0]) & O_NONBLOCK) !== 0, said);
    await c.call(T.attach, { fid: 0, afid: NOFID, name: '', name2: '', nuname: process.getuid?.() ?? 0 });
    await c.walk(0, 1, 'f');
    await c.call(T.lopen, { fid: 1, flags: O_RDONLY });
    for (const offset of [0, MIB, 0]) {
      const r = await c.call(T.read, { fid: 1, offset, count: MIB });
      assert.ok(bytes.subarray(offset, offset + MIB).equals(r.data));
    }
    c.close();
    assert.equal((await ended)[0], 0);
    assert.equal(statusFlags(pair[0]) & O_NONBLOCK, 0);
    closeSync(pair[0]);
  });
}
