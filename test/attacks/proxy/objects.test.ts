// SPDX-License-Identifier: MIT
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import * as fs from 'node:fs';
import { describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { EINVAL, ENXIO, EPERM, EROFS } from '../../../src/base/errno.ts';
import type { ProxyName } from '../../../src/proxyfs/messages.ts';
import type { ProxyFields } from '../../helpers/raw-proxy.ts';
import { cannotAttack, inProxyArenas, kernel, servingProcess } from './arena.ts';

/** Where someone waits in open(2) of a fifo for a reader. */
const WRITER =
  'import os, sys; print("begun", flush=True); os.open(sys.argv[1], os.O_WRONLY); print("woken", flush=True)';

describe('objects that a raw peer names', { skip: cannotAttack() }, () => {
  test('fifos, sockets and devices are refused at once, with every flag', async (t) => {
    await inProxyArenas(t, (a) => {
      for (const path of ['/fifo', '/socket', '/device']) {
        for (const flags of [0, 1, 2, 0o1001, 0o4000, 0o4002]) {
          a.refused('open', { path, flags }, ENXIO);
          a.refused('create', { path, flags: flags | 0o100, mode: 0o644 }, ENXIO);
        }
        a.refused('truncate', { path, length: 0 }, EINVAL, ENXIO);
        // Nothing has to be opened for it.
        a.ask('getversion', { path });
        a.allowed('chmod', { path, mode: 0o600 });
      }
    });
  });

  test('a fifo is never opened: who waits at its other end goes on waiting', async (t) => {
    await inProxyArenas(t, async (a, t) => {
      const writer = spawn('python3', ['-c', WRITER, `${a.share}/fifo`], {
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      t.after(() => writer.kill('SIGKILL'));
      let said = '';
      writer.stdout.on('data', (d: Buffer) => (said += d.toString()));
      while (!said.includes('begun')) await sleep(5);
      await sleep(100);
      for (const flags of [0, 2, 0o4000, 0o4002]) a.refused('open', { path: '/fifo', flags }, ENXIO);
      a.ask('getversion', { path: '/fifo' });
      await sleep(100);
      assert.ok(!said.includes('woken'), 'the fifo was opened');
      writer.kill('SIGKILL');
    });
  });

  test('O_PATH and O_TMPFILE are no way to a descriptor', async (t) => {
    await inProxyArenas(t, (a) => {
      a.refused('open', { path: '/fifo', flags: 0o10000000 }, EINVAL);
      a.refused('open', { path: '/to-abs-file', flags: 0o10400000 }, EINVAL);
      a.refused('open', { path: '/dir', flags: 0o20200002 }, EINVAL);
      a.refused('open', { path: '/file', flags: 3 }, EINVAL);
    });
  });

  test("a folder's descriptor leads nowhere above the export, when it comes from a sealed tree", async (t) => {
    await inProxyArenas(t, (a) => {
      const { fd } = a.allowed('open', { path: '/dir', flags: 0o200000 });
      const above = `/proc/self/fd/${fd}/../../secret`;
      const reached = fs.existsSync(above) && fs.readFileSync(above, 'utf8').length > 0;
      fs.closeSync(fd);
      // Where there is no sealed tree, who gets the descriptor can do with it what its own rights allow: as with the original.
      assert.equal(reached, a.way === 'code' || a.way === 'unsealed' || a.way === 'original');
    });
  });

  test('the helper itself holds no descriptor that leads out of the export', async (t) => {
    await inProxyArenas(t, (a) => {
      if (a.way !== 'bwrap' && a.way !== 'chroot') return;
      a.allowed('lstat', { path: '/' });
      const fds = `/proc/${servingProcess(a.child.pid as number)}/fd`;
      const leading = fs.readdirSync(fds).filter((fd) => fs.existsSync(`${fds}/${fd}/../canary/secret`));
      assert.deepEqual(
        leading.filter((fd) => fs.readFileSync(`${fds}/${fd}/../canary/secret`, 'utf8') !== 'harmless'),
        [],
      );
    });
  });

  test('device nodes are made unless --no-devices is given; fifos always', async (t) => {
    await inProxyArenas(t, (a) => {
      a.allowed('mknod', { path: '/made', mode: 0o020644, rdevLo: 0x103 });
      assert.ok(fs.statSync(`${a.share}/made`).isCharacterDevice());
      a.refused('open', { path: '/made', flags: 2 }, ENXIO);
    });
    await inProxyArenas(
      t,
      (a) => {
        a.refused('mknod', { path: '/made', mode: 0o020644, rdevLo: 0x103 }, EPERM);
        a.refused('mknod', { path: '/made', mode: 0o060644, rdevLo: 0x103 }, EPERM);
        a.allowed('mknod', { path: '/made', mode: 0o010644 });
      },
      ['--no-devices'],
    );
  });

  test('what is made for a user is made as the user, and the next thing as root again', async (t) => {
    await inProxyArenas(t, (a) => {
      const user = { uid: 64_101, gid: 64_102 };
      const owner = (name: string): number[] => {
        const s = fs.lstatSync(`${a.share}/${name}`);
        return [s.uid, s.gid];
      };
      fs.chmodSync(`${a.share}/dir`, 0o700);
      for (let i = 0; i < 3; i++) {
        fs.closeSync(a.allowed('create', { path: `/dir/f${i}`, flags: 0o102, mode: 0o4755, ...user }).fd);
        a.allowed('mkdir', { path: `/dir/d${i}`, mode: 0o700, ...user });
        a.allowed('symlink', { path: `/dir/s${i}`, path2: 'x', ...user });
        a.allowed('mknod', { path: `/dir/p${i}`, mode: 0o010600, ...user });
        for (const kind of ['f', 'd', 's', 'p']) assert.deepEqual(owner(`dir/${kind}${i}`), [64_101, 64_102]);
        a.allowed('mkdir', { path: `/dir/r${i}`, mode: 0o700, uid: 0, gid: 0 });
        assert.deepEqual(owner(`dir/r${i}`), [0, 0]);
        a.allowed('chown', { path: `/dir/r${i}`, uid: 5, gid: 6 });
        a.allowed('mkdir', { path: `/dir/g${i}`, mode: 0o700, uid: -1, gid: 64_102 });
        assert.deepEqual(owner(`dir/g${i}`), [0, 64_102]);
      }
      // Without the capability about devices: what a user of the guest may not make, its root must.
      a.refused('mknod', { path: '/dir/dev', mode: 0o020600, rdevLo: 0x103, ...user }, EPERM);
    });
  });

  test('a request has the capabilities that it needs; between two requests one works, to find things', async (t) => {
    await inProxyArenas(t, (a) => {
      const user = { uid: 64_101, gid: 64_102 };
      const check = (type: ProxyName, fields: ProxyFields): void => {
        const { fd } = a.allowed(type, fields);
        if (fd >= 0) fs.closeSync(fd);
        // Only now: before the first reply the last process may not be there yet.
        const status = `/proc/${servingProcess(a.child.pid as number)}/status`;
        const effective = /^CapEff:\s*([0-9a-f]+)$/m.exec(fs.readFileSync(status, 'utf8'))?.[1];
        // CAP_DAC_OVERRIDE. What Debian's helper has all the time: 0x80000db.
        if (a.way !== 'original') assert.equal(effective, '0000000000000002', type);
      };
      check('lstat', { path: '/file' });
      check('chown', { path: '/file', uid: 5, gid: 6 });
      check('chmod', { path: '/file', mode: 0o6755 });
      check('truncate', { path: '/file', length: 1 });
      check('open', { path: '/file', flags: 0o1001 });
      check('open', { path: '/file', flags: 0o1000000 });
      assert.equal(fs.statSync(`${a.share}/file`).mode & 0o7777, 0o6755, 'set-id bits stay, as for root');
      check('mknod', { path: '/null', mode: 0o020666, rdevLo: 0x103, uid: 0, gid: 0 });
      check('mkdir', { path: '/of-a-user', mode: 0o755, ...user });
      check('mkdir', { path: '/of-a-group', mode: 0o755, uid: 0, gid: 64_102 });
      check('rename', { path: '/null', path2: '/none' });
      check('remove', { path: '/none' });
    });
  });

  test('--read-only: nothing changes', async (t) => {
    await inProxyArenas(
      t,
      (a) => {
        const before = fs.readdirSync(a.share);
        const at = (path: string): { path: string } => ({ path });
        a.refused('create', { ...at('/new'), flags: 0o101, mode: 0o644 }, EROFS);
        a.refused('mknod', { ...at('/new'), mode: 0o100644 }, EROFS);
        a.refused('mkdir', { ...at('/new'), mode: 0o755 }, EROFS);
        a.refused('symlink', { ...at('/new'), path2: 'x' }, EROFS);
        a.refused('link', { ...at('/file'), path2: '/new' }, EROFS);
        a.refused('rename', { ...at('/file'), path2: '/new' }, EROFS);
        a.refused('remove', at('/file'), EROFS);
        a.refused('chmod', { ...at('/file'), mode: 0o777 }, EROFS);
        a.refused('chown', { ...at('/file'), uid: 1, gid: 1 }, EROFS);
        a.refused('truncate', { ...at('/file'), length: 0 }, EROFS);
        a.refused('utime', { ...at('/file'), atimeSec: 1, mtimeSec: 1 }, EROFS);
        a.refused('lsetxattr', { ...at('/file'), name: 'user.x', value: 'x', size: 1 }, EROFS);
        a.refused('lremovexattr', { ...at('/file'), name: 'user.x' }, EROFS);
        for (const flags of [1, 2, 0o1000, 0o1001, 0o2001])
          a.refused('open', { ...at('/file'), flags }, EROFS);
        a.allowed('lstat', at('/file'));
        fs.closeSync(a.allowed('open', { ...at('/file'), flags: 0 }).fd);
        assert.deepEqual(fs.readdirSync(a.share), before);
        assert.equal(kernel.listxattr(`${a.share}/file`).length, 0);
      },
      ['--read-only'],
    );
  });
});
