// SPDX-License-Identifier: MIT
import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import { describe, test } from 'node:test';
import { E2BIG, EINVAL } from '../../../src/base/errno.ts';
import { openPathSys } from '../../../src/linux/paths.ts';
import { BY_TYPE, P, ROWS } from '../../../src/proxyfs/messages.ts';
import { request } from '../../helpers/raw-proxy.ts';
import { cannotAttack, inEndingArenas, inProxyArenas } from './arena.ts';

function header(type: number, size: number, ...payload: number[]): Uint8Array {
  const b = new Uint8Array(8 + payload.length);
  const dv = new DataView(b.buffer);
  dv.setUint32(0, type, true);
  dv.setUint32(4, size, true);
  b.set(payload, 8);
  return b;
}

const ENDING: Readonly<Record<string, Uint8Array>> = {
  'a payload of 65,537 bytes': header(P.lstat, 65_537),
  'a payload of 4 GiB': header(P.lstat, 0xffffffff),
  'type 0': header(0, 0),
  'type 1': header(1, 0),
  'type 22': header(22, 0),
  'type 2^32 - 1': header(0xffffffff, 0),
  'a string longer than its payload': header(P.lstat, 4, 0xff, 0xff, 0x2f, 0x61),
  'a payload that ends in a length': header(P.lstat, 1, 5),
  'a payload without its last field': header(P.open, 3, 1, 0, 0x2f),
  'left-over bytes': header(P.lstat, 4, 1, 0, 0x2f, 0),
  'no payload where one is due': header(P.rename, 0),
};

describe('frames of a raw peer', { skip: cannotAttack() }, () => {
  for (const [name, bytes] of Object.entries(ENDING))
    test(`${name} ends the conversation, cleanly`, async (t) => {
      await inEndingArenas(t, (a) => a.client.send(bytes));
    });

  test('the end in the middle of a request: of its header, behind it, before its last byte', async (t) => {
    const whole = request('open', { path: '/file', flags: 0 });
    for (const cut of [1, 8, whole.length - 1])
      await inEndingArenas(t, (a) => {
        a.client.send(whole.subarray(0, cut));
        fs.closeSync(a.client.socket);
        // Nobody is there to see the helper close.
        a.client.endsWithin = () => true;
        a.client.close = () => {};
      });
  });

  test('a value that is shorter than it says, sizes below 0 and over the limit', async (t) => {
    await inProxyArenas(t, (a) => {
      for (const size of [2, 4096, 65_536, 0x7fffffff, -1, 0])
        a.refused('lsetxattr', { path: '/file', name: 'user.x', value: 'x', size }, EINVAL, E2BIG);
      for (const size of [-1, -0x80000000, 65_537, 0x7fffffff]) {
        a.refused('lgetxattr', { path: '/file', name: 'user.x', size }, EINVAL);
        a.refused('llistxattr', { path: '/file', size }, EINVAL);
        a.refused('readlink', { path: '/to-file', size }, EINVAL);
      }
      a.refused('readlink', { path: '/to-file', size: 0 }, EINVAL);
    });
  });

  test('requests in pieces, and several at once, are answered one after the other', async (t) => {
    await inProxyArenas(t, (a) => {
      const one = request('lstat', { path: '/file' });
      for (const byte of one) a.client.send(Uint8Array.of(byte));
      assert.equal(a.client.reply('lstat').errno, 0);
      a.client.send(Buffer.concat([one, request('readlink', { path: '/to-file', size: 100 }), one]));
      assert.equal(a.client.reply('lstat').errno, 0);
      assert.equal(a.client.reply('readlink').payload.toString('utf8', 2), 'file');
      assert.equal(a.client.reply('lstat').errno, 0);
    });
  });

  test('no descriptor is left, whatever is asked; what a peer sends along is not taken', async (t) => {
    const sys = openPathSys();
    const mem = sys.alloc(256);
    await inProxyArenas(t, (a) => {
      const round = (): void => {
        for (const path of [
          '/file',
          '/dir',
          '/dir/sub',
          '/fifo',
          '/nothing',
          '/to-file',
          '/dir/inner',
          '/dir/none',
        ]) {
          for (const flags of [0, 2, 0o200000]) a.ask('open', { path, flags });
          for (const { name } of ROWS)
            if (BY_TYPE[P[name]]?.changes !== true && name !== 'open')
              a.ask(name, { path, name: 'user.x', size: 100 });
          a.ask('chmod', { path, mode: 0o755 });
          a.ask('truncate', { path, length: 12 });
          a.ask('lsetxattr', { path, name: 'user.x', value: 'x', size: 1 });
          a.ask('create', { path: '/new', flags: 0o102, mode: 0o644, uid: 5, gid: 5 });
          a.ask('remove', { path: '/new' });
        }
        const b = request('lstat', { path: '/file' });
        mem.u8.set(b);
        assert.equal(sys.sendWithFd(a.client.socket, 0, mem, 0, b.length), b.length);
        a.client.reply('lstat');
      };
      round();
      const before = a.descriptors();
      for (let i = 0; i < 20; i++) round();
      assert.equal(a.descriptors(), before);
    });
  });
});
