// SPDX-License-Identifier: MIT

import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import { createConnection, createServer } from 'node:net';
import { encodeDev, S_IFBLK, S_IFCHR, S_IFIFO, S_IFREG, S_IFSOCK } from '../../../src/base/stat.ts';
import { O_NONBLOCK, O_RDONLY, O_WRONLY } from '../../../src/base/sys.ts';
import { ALICE, type Cases, fails, TEAM } from '../case.ts';

/** mknod(2): fifos, sockets, device nodes. What goes through them stays on this side; only the nodes are shared. */
export const specialCases: Cases = {
  'a fifo is a fifo, with its mode': (c) => {
    c.k.mknod(c.at('p'), S_IFIFO | 0o640);
    const s = fs.lstatSync(c.at('p'));
    assert.ok(s.isFIFO());
    assert.deepEqual([s.mode & 0o7777, s.nlink, s.size], [0o640, 1, 0]);
  },
  'two processes talk through a fifo': async (c) => {
    c.k.mknod(c.at('p'), S_IFIFO | 0o644);
    const reader = c.python.start('say(open(args[0]).read())', c.at('p'));
    c.python.run("open(args[0], 'w').write('through the fifo')", c.at('p'));
    assert.equal(await reader.hear(), 'through the fifo');
  },
  'a fifo without a reader: O_NONBLOCK writing gives ENXIO, reading opens': (c) => {
    c.k.mknod(c.at('p'), S_IFIFO | 0o644);
    fails('ENXIO', () => fs.openSync(c.at('p'), O_WRONLY | O_NONBLOCK));
    fs.closeSync(fs.openSync(c.at('p'), O_RDONLY | O_NONBLOCK));
  },
  'a fifo can be renamed, linked and chmodded': (c) => {
    c.k.mknod(c.at('p'), S_IFIFO | 0o644);
    fs.renameSync(c.at('p'), c.at('q'));
    fs.linkSync(c.at('q'), c.at('r'));
    fs.chmodSync(c.at('r'), 0o600);
    const s = fs.lstatSync(c.at('q'));
    assert.deepEqual([s.isFIFO(), s.nlink, s.mode & 0o7777], [true, 2, 0o600]);
  },
  'a unix socket is bound, connected to and removed': async (c) => {
    const server = createServer((s) => s.end('hello'));
    await new Promise<void>((resolve, reject) => server.once('error', reject).listen(c.at('s'), resolve));
    try {
      assert.ok(fs.lstatSync(c.at('s')).isSocket());
      const got = await new Promise<string>((resolve, reject) => {
        let text = '';
        createConnection(c.at('s'))
          .on('data', (d) => (text += d.toString()))
          .on('end', () => resolve(text))
          .on('error', reject);
      });
      assert.equal(got, 'hello');
    } finally {
      await new Promise((resolve) => server.close(resolve));
    }
  },
  'a socket nobody listens on refuses': (c) => {
    const code = `s = socket.socket(socket.AF_UNIX); s.bind(args[0]); s.close()
say(tried(lambda: socket.socket(socket.AF_UNIX).connect(args[0])))`;
    assert.equal(c.python.run(code, c.at('s')), 'ECONNREFUSED');
  },
  'binding a name that is there gives EADDRINUSE': (c) => {
    c.file('s');
    const code = `say(tried(lambda: socket.socket(socket.AF_UNIX).bind(args[0])))`;
    assert.equal(c.python.run(code, c.at('s')), 'EADDRINUSE');
  },
  'open(2) of a socket gives ENXIO': (c) => {
    c.k.mknod(c.at('s'), S_IFSOCK | 0o644);
    assert.ok(fs.lstatSync(c.at('s')).isSocket());
    fails('ENXIO', () => fs.openSync(c.at('s'), 'r'));
  },
  'mknod of a plain file': (c) => {
    c.k.mknod(c.at('f'), S_IFREG | 0o640);
    const s = fs.lstatSync(c.at('f'));
    assert.deepEqual([s.isFile(), s.size, s.mode & 0o7777], [true, 0, 0o640]);
    fs.writeFileSync(c.at('f'), 'abc');
  },
  'mknod refuses a name that is there': (c) => {
    c.file('f');
    fails('EEXIST', () => c.k.mknod(c.at('f'), S_IFIFO | 0o644));
    fails('EEXIST', () => c.k.mknod(c.at('f'), S_IFREG | 0o644));
  },
  'device nodes keep kind and numbers, also large ones': (c) => {
    c.need('root', 'devices');
    const numbers: readonly (readonly [number, number])[] = [
      [1, 3],
      [0xfff, 0xfffff],
      [8, 256],
    ];
    for (const [i, [major, minor]] of numbers.entries()) {
      c.k.mknod(c.at(`c${i}`), S_IFCHR | 0o600, major, minor);
      c.k.mknod(c.at(`b${i}`), S_IFBLK | 0o600, major, minor);
      const [chr, blk] = [fs.lstatSync(c.at(`c${i}`)), fs.lstatSync(c.at(`b${i}`))];
      assert.ok(chr.isCharacterDevice() && blk.isBlockDevice());
      // The kernel's 32-bit form, which is also that of makedev(3) for such numbers.
      assert.deepEqual([chr.rdev, blk.rdev], [encodeDev(major, minor), encodeDev(major, minor)]);
    }
  },
  'a device node made in a setgid folder gets its group': (c) => {
    c.need('root', 'devices', 'suid');
    const dir = c.folder('d');
    fs.chownSync(dir, ALICE, TEAM);
    fs.chmodSync(dir, 0o2755);
    c.k.mknod(c.at('d', 'null'), S_IFCHR | 0o600, 1, 3);
    const s = fs.lstatSync(c.at('d', 'null'));
    assert.deepEqual([s.isCharacterDevice(), s.uid, s.gid, s.rdev], [true, 0, TEAM, encodeDev(1, 3)]);
  },
  'a device node is not to be had: EPERM, and nothing is made': (c) => {
    if (c.caps.devices === true && c.caps.root === true) {
      fs.chmodSync(c.dir, 0o777);
      fails('EPERM', () => c.as(ALICE, ALICE, [], () => c.k.mknod(c.at('null'), S_IFCHR | 0o600, 1, 3)));
    } else fails(['EPERM', 'EACCES'], () => c.k.mknod(c.at('null'), S_IFCHR | 0o600, 1, 3));
    assert.deepEqual(fs.readdirSync(c.dir), []);
  },
};
