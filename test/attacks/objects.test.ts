// SPDX-License-Identifier: MIT
import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import { test } from 'node:test';
import {
  EBADF,
  EEXIST,
  EINVAL,
  ELOOP,
  ENODATA,
  ENOTDIR,
  ENXIO,
  EOPNOTSUPP,
  EPERM,
  EXDEV,
} from '../../src/base/errno.ts';
import { NOFID } from '../../src/p9/constants.ts';
import { T } from '../../src/p9/messages.ts';
import type { Raw9p } from '../helpers/raw9p.ts';
import { type Arena, allowed, CANARY, inArenas, isRoot, refused } from './arena.ts';

interface Row {
  /** As root only, because of what it needs. */
  root?: boolean;
  run: (c: Raw9p, a: Arena) => Promise<void>;
}

/** Walks fid 1 to a name in the root. */
const at = async (c: Raw9p, name: string, fid = 1): Promise<void> => {
  await allowed(c, T.walk, { fid: 0, newfid: fid, names: [name] });
};
const TO_FOLDERS = ['to-dir', 'to-abs', 'to-root', 'to-up', 'to-here', 'to-proc'];
const TO_FILES = ['to-file', 'to-abs-file'];
const WRONLY_TRUNC_CREATE = 0o1101;

const ROWS: Readonly<Record<string, Row | Row['run']>> = {
  'Twalk through a symlink stops before it': async (c) => {
    for (const link of TO_FOLDERS)
      for (const next of ['secret', '..', 'dir', 'etc', link]) {
        const r = await c.walk(0, 5, link, next);
        assert.equal(r.msg.nwqid, 1, `${link}/${next}`);
        await refused(c, T.getattr, { fid: 5, mask: 0x7ff }, EBADF);
      }
  },
  'Twalk of many hops, symlinks in the middle': async (c) => {
    for (const names of [
      ['dir', '..', 'to-dir', 'secret'],
      ['to-here', 'to-here', 'to-dir', 'secret'],
      ['dir', '..', '..', '..', 'canary', 'secret'],
      ['loop', 'loop', 'loop'],
    ]) {
      const r = await c.walk(0, 5, ...names);
      assert.ok(r.errno !== 0 || r.msg.nwqid < names.length, names.join('/'));
    }
  },
  'a fid of a symlink is no folder: nothing is found, made or removed below it': async (c) => {
    for (const link of TO_FOLDERS) {
      await at(c, link);
      await refused(c, T.walk, { fid: 1, newfid: 2, names: ['secret'] });
      await refused(c, T.walk, { fid: 1, newfid: 2, names: ['..'] });
      await refused(c, T.lcreate, { fid: 1, name: 'planted', flags: 2, mode: 0o644, gid: 0 }, ENOTDIR);
      await refused(c, T.mkdir, { dfid: 1, name: 'planted', mode: 0o755, gid: 0 }, ENOTDIR);
      await refused(c, T.symlink, { dfid: 1, name: 'planted', name2: 'x', gid: 0 }, ENOTDIR);
      await refused(c, T.mknod, { dfid: 1, name: 'planted', mode: 0o010644, gid: 0 }, ENOTDIR);
      await refused(c, T.unlinkat, { fid: 1, name: 'secret', flags: 0 }, ENOTDIR);
      await refused(c, T.unlinkat, { fid: 1, name: 'empty', flags: 0x200 }, ENOTDIR);
      await refused(c, T.renameat, { fid: 1, name: 'secret', newdirfid: 0, name2: 'stolen' }, ENOTDIR);
      await refused(c, T.renameat, { fid: 0, name: 'file', newdirfid: 1, name2: 'planted' }, ENOTDIR);
      await at(c, 'file', 2);
      await refused(c, T.rename, { fid: 2, dfid: 1, name: 'planted' }, ENOTDIR);
      await refused(c, T.link, { dfid: 1, fid: 2, name: 'planted' }, ENOTDIR);
      for (const fid of [1, 2]) await c.call(T.clunk, { fid });
    }
  },
  'Tlopen of a symlink is refused, whatever it points to': async (c) => {
    for (const link of [...TO_FOLDERS, ...TO_FILES, 'to-new', 'loop'])
      for (const flags of [0, 1, 2, 0o1001, 0o200000, 0o400000, 0o10000000, 0o101]) {
        await at(c, link);
        await refused(c, T.lopen, { fid: 1, flags });
        await c.call(T.clunk, { fid: 1 });
      }
  },
  'Tlcreate onto a symlink does not go through it': async (c) => {
    for (const name of ['to-file', 'to-abs-file', 'to-new', 'to-dir', 'loop'])
      for (const flags of [0, 1, 2, WRONLY_TRUNC_CREATE, WRONLY_TRUNC_CREATE | 0o200]) {
        await allowed(c, T.walk, { fid: 0, newfid: 1, names: [] });
        await refused(c, T.lcreate, { fid: 1, name, flags, mode: 0o644, gid: 0 }, ELOOP, EEXIST, ENOTDIR);
        await c.call(T.clunk, { fid: 1 });
      }
  },
  'Tmkdir, Tsymlink, Tmknod and Tlink onto a symlink do not go through it': async (c) => {
    await at(c, 'file');
    for (const name of ['to-new', 'to-file', 'to-dir']) {
      await refused(c, T.mkdir, { dfid: 0, name, mode: 0o755, gid: 0 }, EEXIST);
      await refused(c, T.symlink, { dfid: 0, name, name2: 'x', gid: 0 }, EEXIST);
      await refused(c, T.mknod, { dfid: 0, name, mode: 0o100644, gid: 0 }, EEXIST);
      await refused(c, T.link, { dfid: 0, fid: 1, name }, EEXIST);
    }
  },
  'Tsetattr of a symlink changes the symlink or nothing': async (c, a) => {
    for (const link of ['to-file', 'to-dir', 'to-abs-file']) {
      await at(c, link);
      await refused(c, T.setattr, { fid: 1, mask: 0x8, attr: { size: 0 } });
      await refused(c, T.setattr, { fid: 1, mask: 0x1, attr: { mode: 0o777 } });
      await allowed(c, T.setattr, { fid: 1, mask: 0x1b0, attr: { atimeSec: 5, mtimeSec: 7 } });
      assert.equal(fs.lstatSync(`${a.share}/${link}`).mtimeMs, 7000);
      if (isRoot) {
        await allowed(c, T.setattr, { fid: 1, mask: 0x6, attr: { uid: 64_101, gid: 64_101 } });
        assert.equal(fs.lstatSync(`${a.share}/${link}`).uid, 64_101);
      }
      await c.call(T.clunk, { fid: 1 });
    }
  },
  'attributes of a symlink are not those of what it names': async (c) => {
    await at(c, 'to-abs-file');
    await refused(c, T.xattrwalk, { fid: 1, newfid: 2, name: 'user.secret' });
    const list = await c.call(T.xattrwalk, { fid: 1, newfid: 2, name: '' });
    if (list.errno === 0) assert.equal(Number(list.msg.size), 0);
    await c.call(T.clunk, { fid: 2 });
    const begun = await c.call(T.xattrcreate, { fid: 1, name: 'user.planted', size: 1, flags: 0 });
    if (begun.errno !== 0) return;
    await c.call(T.write, { fid: 1, offset: 0, data: 'x' });
    await refused(c, T.clunk, { fid: 1 });
  },
  'getattr of a symlink tells of the symlink': async (c) => {
    await at(c, 'to-file');
    const r = await allowed(c, T.getattr, { fid: 1, mask: 0x7ff });
    assert.equal(r.msg.attr.mode & 0o170000, 0o120000);
    assert.equal(Number(r.msg.attr.size), '../secret'.length);
  },
  'reading, writing, listing and locking need an open fid': async (c) => {
    for (const name of ['to-file', 'file', 'dir', 'to-dir']) {
      await at(c, name);
      await refused(c, T.read, { fid: 1, offset: 0, count: 100 }, EBADF, EINVAL);
      await refused(c, T.write, { fid: 1, offset: 0, data: 'x' }, EBADF, EINVAL);
      await refused(c, T.readdir, { fid: 1, offset: 0, count: 4000 }, EBADF, EINVAL, ENOTDIR);
      await refused(c, T.fsync, { fid: 1, datasync: 0 }, EBADF, EINVAL);
      await refused(c, T.lock, { fid: 1, lockType: 1, flags: 0, start: 0, length: 0, procId: 1, name: 'x' });
      await c.call(T.clunk, { fid: 1 });
    }
  },
  'Tlink of a symlink makes a name of the symlink': async (c, a) => {
    await at(c, 'to-abs-file');
    await allowed(c, T.link, { dfid: 0, fid: 1, name: 'linked' });
    assert.ok(fs.lstatSync(`${a.share}/linked`).isSymbolicLink());
  },
  'Trename and Trenameat of a symlink move the symlink': async (c, a) => {
    await at(c, 'to-file');
    await allowed(c, T.rename, { fid: 1, dfid: 0, name: 'moved' });
    await allowed(c, T.renameat, { fid: 0, name: 'to-dir', newdirfid: 0, name2: 'moved-dir' });
    await allowed(c, T.renameat, { fid: 0, name: 'file', newdirfid: 0, name2: 'to-abs-file' });
    assert.ok(fs.lstatSync(`${a.share}/moved`).isSymbolicLink());
    assert.ok(fs.lstatSync(`${a.share}/to-abs-file`).isFile());
  },
  'Tremove and Tunlinkat of a symlink remove the symlink': async (c, a) => {
    await at(c, 'to-file');
    await allowed(c, T.remove, { fid: 1 });
    await refused(c, T.unlinkat, { fid: 0, name: 'to-dir', flags: 0x200 }, ENOTDIR);
    await allowed(c, T.unlinkat, { fid: 0, name: 'to-dir', flags: 0 });
    assert.ok(!fs.existsSync(`${a.share}/to-file`));
  },
  'the root itself is neither removed, renamed nor linked': async (c, a) => {
    await allowed(c, T.walk, { fid: 0, newfid: 1, names: [] });
    await refused(c, T.rename, { fid: 1, dfid: 0, name: 'x' });
    await refused(c, T.link, { dfid: 0, fid: 1, name: 'x' });
    await refused(c, T.remove, { fid: 1 });
    await at(c, 'dir');
    await allowed(c, T.walk, { fid: 1, newfid: 2, names: ['..'] });
    await refused(c, T.rename, { fid: 2, dfid: 1, name: 'x' });
    await refused(c, T.remove, { fid: 2 });
    assert.ok(fs.existsSync(a.share));
  },
  'Tlopen of a fifo, a socket and a device answers at once with ENXIO; others are served meanwhile': async (
    c,
  ) => {
    const names = isRoot ? ['fifo', 'socket', 'device'] : ['fifo', 'socket'];
    for (const name of names)
      for (const flags of [0, 1, 2, 0o4000, 0o1001]) {
        await at(c, name);
        c.send(c.frame(T.lopen, { fid: 1, flags }, 300));
        c.send(c.frame(T.getattr, { fid: 0, mask: 0x7ff }, 301));
        const [first, second] = [await c.next(), await c.next()];
        const opened = first?.tag === 300 ? first : second;
        assert.equal(opened?.errno, ENXIO, `${name} with flags ${flags.toString(8)}`);
        await c.call(T.clunk, { fid: 1 });
      }
  },
  'Tlcreate onto a fifo, a socket and a device does not open them': async (c) => {
    for (const name of isRoot ? ['fifo', 'socket', 'device'] : ['fifo', 'socket'])
      for (const flags of [0, 1, 2, WRONLY_TRUNC_CREATE]) {
        await allowed(c, T.walk, { fid: 0, newfid: 1, names: [] });
        await refused(c, T.lcreate, { fid: 1, name, flags, mode: 0o644, gid: 0 }, ENXIO, EEXIST);
        await c.call(T.clunk, { fid: 1 });
      }
  },
  'Tsetattr SIZE of a fifo, a socket and a device does not open them': async (c) => {
    for (const name of isRoot ? ['fifo', 'socket', 'device'] : ['fifo', 'socket']) {
      await at(c, name);
      await refused(c, T.setattr, { fid: 1, mask: 0x8, attr: { size: 0 } });
      await c.call(T.clunk, { fid: 1 });
    }
  },
  'an object that turns into a fifo between Twalk and Tlopen is still the file': async (c, a) => {
    await at(c, 'file');
    fs.renameSync(`${a.share}/fifo`, `${a.share}/file`);
    await allowed(c, T.lopen, { fid: 1, flags: 0 });
    const r = await allowed(c, T.read, { fid: 1, offset: 0, count: 100 });
    assert.equal(Buffer.from(r.data).toString(), 'in the share');
  },
  'Tmknod makes no devices, and nothing of an unknown kind': async (c, a) => {
    for (const kind of [0o020000, 0o060000])
      await refused(
        c,
        T.mknod,
        { dfid: 0, name: 'dev', mode: kind | 0o666, major: 1, minor: 1, gid: 0 },
        EPERM,
      );
    for (const kind of [0o040000, 0o120000, 0o030000, 0o170000])
      await refused(c, T.mknod, { dfid: 0, name: 'dev', mode: kind | 0o666, major: 1, minor: 1, gid: 0 });
    assert.ok(!fs.existsSync(`${a.share}/dev`));
  },
  'Tlcreate with type bits in the mode makes a plain file': async (c, a) => {
    await allowed(c, T.walk, { fid: 0, newfid: 1, names: [] });
    await allowed(c, T.lcreate, { fid: 1, name: 'new', flags: 0o102, mode: 0o020666, gid: 0 });
    assert.ok(fs.lstatSync(`${a.share}/new`).isFile());
  },
  'a hard link or rename across two attaches is refused with EXDEV': async (c) => {
    const nuname = process.getuid?.() ?? 0;
    await allowed(c, T.attach, { fid: 10, afid: NOFID, name: '', name2: '', nuname });
    await at(c, 'file');
    await refused(c, T.link, { dfid: 10, fid: 1, name: 'linked' }, EXDEV);
    await refused(c, T.rename, { fid: 1, dfid: 10, name: 'moved' }, EXDEV);
    await refused(c, T.renameat, { fid: 0, name: 'file', newdirfid: 10, name2: 'moved' }, EXDEV);
  },
  'only user attributes are read, listed, set and removed': async (c, a) => {
    await at(c, 'file');
    for (const name of [
      'security.capability',
      'security.selinux',
      'trusted.x',
      'system.posix_acl_access',
      'system.nfs4_acl',
      'user',
      'user.',
      'USER.x',
      '.user.x',
      'secret',
      'user\0.x',
      'user.x\0y',
      '../user.x',
    ]) {
      await refused(c, T.xattrwalk, { fid: 1, newfid: 2, name });
      await refused(c, T.xattrcreate, { fid: 1, name, size: 1, flags: 0 });
      await refused(c, T.xattrcreate, { fid: 1, name, size: 0, flags: 2 });
    }
    if (isRoot) {
      const { Kernel } = await import('../conformance/kernel.ts');
      const { openSys } = await import('../../src/linux/index.ts');
      new Kernel(openSys()).setxattr(`${a.share}/file`, 'trusted.hidden', CANARY);
      const r = await allowed(c, T.xattrwalk, { fid: 1, newfid: 2, name: '' });
      assert.equal(Number(r.msg.size), 0);
      await refused(c, T.xattrwalk, { fid: 1, newfid: 3, name: 'trusted.hidden' }, ENODATA, EOPNOTSUPP);
    }
  },
  'setuid and setgid are cleared when a plain user writes, truncates or gives away': {
    root: true,
    run: async (c, a) => {
      const user = 64_101;
      fs.chmodSync(a.share, 0o777);
      fs.writeFileSync(`${a.share}/program`, 'x');
      fs.chownSync(`${a.share}/program`, user, user);
      await allowed(c, T.attach, { fid: 10, afid: NOFID, name: '', name2: '', nuname: user });
      // A slow request of root's first: the threads that do those keep the rights with which they began.
      await allowed(c, T.attach, { fid: 20, afid: NOFID, name: '', name2: '', nuname: 0 });
      await allowed(c, T.walk, { fid: 20, newfid: 21, names: ['program'] });
      await allowed(c, T.lopen, { fid: 21, flags: 0o10001 });
      await allowed(c, T.write, { fid: 21, offset: 0, data: 'x' });
      const mode = (): number => fs.statSync(`${a.share}/program`).mode & 0o7777;
      const changes: Record<string, () => Promise<unknown>> = {
        Twrite: async () => {
          await allowed(c, T.lopen, { fid: 11, flags: 1 });
          await allowed(c, T.write, { fid: 11, offset: 0, data: 'y' });
        },
        'Twrite with O_DSYNC': async () => {
          await allowed(c, T.lopen, { fid: 11, flags: 0o10001 });
          await allowed(c, T.write, { fid: 11, offset: 0, data: 'y' });
        },
        'Tsetattr SIZE': () => allowed(c, T.setattr, { fid: 11, mask: 0x8, attr: { size: 0 } }),
        'Tlopen O_TRUNC': () => allowed(c, T.lopen, { fid: 11, flags: 0o1001 }),
        'Tsetattr GID': () => allowed(c, T.setattr, { fid: 11, mask: 0x4, attr: { gid: user } }),
      };
      for (const [words, change] of Object.entries(changes)) {
        fs.writeFileSync(`${a.share}/program`, 'x');
        fs.chmodSync(`${a.share}/program`, 0o6777);
        await allowed(c, T.walk, { fid: 10, newfid: 11, names: ['program'] });
        await change();
        assert.equal(mode(), 0o777, words);
        await c.call(T.clunk, { fid: 11 });
      }
      fs.chmodSync(a.share, 0o755);
    },
  },
  'a plain user gets no more than the folder\u2019s permissions give them': {
    root: true,
    run: async (c, a) => {
      fs.writeFileSync(`${a.share}/private`, 'x', { mode: 0o600 });
      fs.mkdirSync(`${a.share}/closed`, { mode: 0o700 });
      await allowed(c, T.attach, { fid: 10, afid: NOFID, name: '', name2: '', nuname: 64_101 });
      await allowed(c, T.walk, { fid: 10, newfid: 11, names: ['private'] });
      for (const flags of [0, 1, 2, 0o1001]) await refused(c, T.lopen, { fid: 11, flags });
      await refused(c, T.setattr, { fid: 11, mask: 0x1, attr: { mode: 0o666 } });
      await refused(c, T.setattr, { fid: 11, mask: 0x2, attr: { uid: 64_101 } });
      await refused(c, T.setattr, { fid: 11, mask: 0x8, attr: { size: 0 } });
      await refused(c, T.unlinkat, { fid: 10, name: 'private', flags: 0 });
      assert.ok((await c.walk(10, 12, 'closed', 'x')).msg.nwqid < 2);
      await refused(c, T.mkdir, { dfid: 10, name: 'new', mode: 0o777, gid: 0 });
    },
  },
};

test('no object leads out of the share, and none is opened that must not be', async (t) => {
  await inArenas(t, [], async (t, arena) => {
    for (const [words, row] of Object.entries(ROWS)) {
      const { root = false, run } = typeof row === 'function' ? { run: row } : row;
      await t.test(words, { skip: root && !isRoot ? 'needs root' : false }, async () => {
        arena.fill();
        await run(await arena.begin(), arena);
        await arena.check();
      });
    }
  });
});
