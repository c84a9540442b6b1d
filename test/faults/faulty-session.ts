// SPDX-License-Identifier: MIT

import {
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { Socket } from 'node:net';
import { join } from 'node:path';
import { O_CLOEXEC, O_DIRECTORY, O_PATH, type Sys } from '../../src/base/sys.ts';
import { openSys } from '../../src/linux/index.ts';
import { socketpair } from '../../src/linux/net.ts';
import { NOFID, VERSION_EXT } from '../../src/p9/constants.ts';
import { T } from '../../src/p9/messages.ts';
import { DEFAULT_OPTIONS, serveConnection } from '../../src/p9-server/index.ts';
import { type Fields, Raw9p, type Reply } from '../helpers/raw9p.ts';

/** What moves bytes between the server and its peer, or cannot fail: not what a file system does. */
const CHANNEL = new Set([
  'alloc',
  'poll',
  'eventLoopFd',
  'eventLoopTimeout',
  'read',
  'write',
  'send',
  'recv',
  'close',
  'geteuid',
  'getegid',
  'umask',
  'setFsIdentity',
]);

const WRITE_CREATE = 0o102;
/** A session that has the server do everything that it can. `fails`: refused even when nothing is wrong. */
const REQUESTS: readonly (readonly [number, Fields, 'fails'?])[] = [
  [T.walk, { fid: 0, newfid: 1, names: ['dir', 'inner'] }],
  [T.walk, { fid: 1, newfid: 2, names: [] }],
  [T.getattr, { fid: 1, mask: 0x3fff }],
  [T.lopen, { fid: 1, flags: 2 }],
  [T.read, { fid: 1, offset: 0, count: 100 }],
  [T.write, { fid: 1, offset: 3, data: 'abc' }],
  [T.fsync, { fid: 1, datasync: 0 }],
  [T.fsync, { fid: 1, datasync: 1 }],
  [T.lock, { fid: 1, lockType: 1, flags: 0, start: 0, length: 10, procId: 1, name: 'me' }],
  [T.getlock, { fid: 1, lockType: 1, start: 0, length: 10, procId: 2, name: 'you' }],
  [T.setattr, { fid: 2, mask: 0x8, attr: { size: 2 } }],
  [T.setattr, { fid: 2, mask: 0x1b1, attr: { mode: 0o640, atimeSec: 5, mtimeSec: 6 } }],
  [T.statfs, { fid: 2 }],
  [T.xattrcreate, { fid: 2, name: 'user.a', size: 3, flags: 0 }],
  [T.write, { fid: 2, offset: 0, data: 'xyz' }],
  [T.clunk, { fid: 2 }],
  [T.walk, { fid: 0, newfid: 2, names: ['dir', 'inner'] }],
  [T.xattrwalk, { fid: 2, newfid: 3, name: 'user.a' }],
  [T.read, { fid: 3, offset: 0, count: 10 }],
  [T.xattrwalk, { fid: 2, newfid: 4, name: '' }],
  [T.walk, { fid: 0, newfid: 5, names: [] }],
  [T.lcreate, { fid: 5, name: 'new', flags: WRITE_CREATE, mode: 0o644, gid: 0 }],
  [T.write, { fid: 5, offset: 0, data: 'new' }],
  [T.walk, { fid: 0, newfid: 6, names: [] }],
  [T.lcreate, { fid: 6, name: 'file', flags: WRITE_CREATE, mode: 0o644, gid: 0 }],
  [T.mkdir, { dfid: 0, name: 'made', mode: 0o755, gid: 0 }],
  [T.symlink, { dfid: 0, name: 'soft', name2: 'target', gid: 0 }],
  [T.mknod, { dfid: 0, name: 'fifo', mode: 0o010644, gid: 0 }],
  [T.link, { dfid: 0, fid: 2, name: 'hard' }],
  [T.walk, { fid: 0, newfid: 7, names: ['link'] }],
  [T.readlink, { fid: 7 }],
  [T.renameat, { fid: 0, name: 'hard', newdirfid: 0, name2: 'moved' }],
  [T.rename, { fid: 2, dfid: 0, name: 'renamed' }],
  [T.walk, { fid: 0, newfid: 8, names: [] }],
  [T.lopen, { fid: 8, flags: 0o200000 }],
  [T.readdir, { fid: 8, offset: 0, count: 8000 }],
  [T.readdirplus, { fid: 8, offset: 0, count: 60_000 }],
  [T.lookup, { fid: 0, newfid: 9, name: 'dir' }],
  [T.walk, { fid: 0, newfid: 10, names: ['dir', '..', 'dir'] }],
  [T.walk, { fid: 0, newfid: 11, names: ['moved'] }],
  [T.remove, { fid: 11 }],
  [T.unlinkat, { fid: 0, name: 'soft', flags: 0 }],
  [T.unlinkat, { fid: 0, name: 'made', flags: 0x200 }],
];

export interface Played {
  /** System calls that could have failed. */
  calls: number;
  injected: boolean;
  /** The call that was made to fail. */
  name: string;
  refused: { request: number; errno: number; expected: boolean }[];
  unanswered: number;
  /** Open descriptors of this process when the session was over. */
  descriptors: number;
  ended: string | undefined;
}

/** Plays one session on a server in this process whose system calls fail on demand. */
export class FaultySession {
  private readonly dir: string;
  private readonly sys: Sys;
  private calls = 0;
  private failAt = -1;
  private errno = 0;
  private injected = '';

  constructor(dir: string) {
    this.dir = dir;
    this.sys = this.faulty(openSys());
  }

  end(): void {
    rmSync(join(this.dir, 'share'), { recursive: true, force: true });
  }

  private faulty(real: Sys): Sys {
    const gate = (target: object): object =>
      new Proxy(target, {
        get: (object, name, receiver) => {
          const value: unknown = Reflect.get(object, name, receiver);
          if (name === 'slow') return slow;
          if (typeof value !== 'function' || typeof name !== 'string' || CHANNEL.has(name)) return value;
          return (...args: unknown[]) => {
            const fails = this.calls++ === this.failAt;
            if (fails) this.injected = name;
            const done = args.at(-1);
            if (object !== real.slow) return fails ? -this.errno : Reflect.apply(value, object, args);
            if (fails && typeof done === 'function') setImmediate(() => done(-this.errno));
            else Reflect.apply(value, object, args);
            return undefined;
          };
        },
      });
    const slow = gate(real.slow);
    return gate(real) as Sys;
  }

  private fill(): string {
    const share = join(this.dir, 'share');
    rmSync(share, { recursive: true, force: true });
    mkdirSync(join(share, 'dir'), { recursive: true });
    writeFileSync(join(share, 'file'), 'file');
    writeFileSync(join(share, 'dir/inner'), 'inner');
    symlinkSync('file', join(share, 'link'));
    return share;
  }

  /** The session with its call number `failAt` (-1: none) failing with `errno`. */
  async play(failAt: number, errno: number): Promise<Played> {
    const share = this.fill();
    const pair: [number, number] = [-1, -1];
    if (socketpair(pair) < 0) throw new Error('no socket pair');
    const rootFd = openSync(share, O_PATH | O_DIRECTORY | O_CLOEXEC);
    this.calls = 0;
    this.failAt = -1;
    this.injected = '';
    const served = serveConnection({
      sys: this.sys,
      readFd: pair[1],
      writeFd: pair[1],
      rootFd,
      options: { ...DEFAULT_OPTIONS, log: () => {}, lookupUser: () => undefined },
    });
    const c = new Raw9p(new Socket({ fd: pair[0] }));
    await c.version(65_536, VERSION_EXT);
    await c.call(T.attach, { fid: 0, afid: NOFID, name: '', name2: '', nuname: process.getuid?.() ?? 0 });
    this.calls = 0;
    this.failAt = failAt;
    this.errno = errno;
    const result: Played = {
      calls: 0,
      injected: false,
      name: '',
      refused: [],
      unanswered: 0,
      descriptors: 0,
      ended: undefined,
    };
    for (const [i, [type, fields, fails]] of REQUESTS.entries()) {
      const r: Reply | undefined = await c.call(type, fields).catch(() => undefined);
      if (r === undefined) result.unanswered++;
      else if (r.errno !== 0)
        result.refused.push({ request: i, errno: r.errno, expected: fails === 'fails' });
    }
    result.calls = this.calls;
    this.failAt = -1;
    // Gives everything back but the connection itself.
    await c.version(65_536, VERSION_EXT).catch(() => (result.ended = 'no answer to Tversion'));
    result.descriptors = openDescriptors();
    c.close();
    const end = await served;
    if (!end.clean) result.ended = end.why;
    closeSync(pair[1]);
    closeSync(rootFd);
    result.injected = this.injected !== '';
    result.name = this.injected;
    if (!existsSync(share)) throw new Error('the share itself is gone');
    return result;
  }
}

const openDescriptors = (): number => readdirSync('/proc/self/fd').length;
