// SPDX-License-Identifier: MIT
// What a hostile server answers, what is run in the mount meanwhile, and what must come of it.

import { T } from '../../src/p9/messages.ts';
import {
  attr,
  type Bend,
  type Bender,
  bytes,
  dirent,
  error,
  file,
  folder,
  frame,
  qid,
  type Thing,
} from './fake-server.ts';

export function tree(): Thing {
  return folder(1, {
    f: file(2, 'hello\n'),
    d: folder(3, { g: file(4, 'inner\n') }),
    l: file(5, 'f', 0o120777),
  });
}

export interface Case {
  bend?: Bender;
  raw?: (reply: Bend) => Buffer | undefined;
  /** What is run in the mount. */
  run: string;
  /** What its output (both kinds) must match. */
  says: RegExp;
  /** How the connection fares. Default: it lives. */
  ends?: RegExp;
  /** What the log must say. */
  logs?: RegExp;
  version?: string;
}

/** Replaces the body of replies to one kind of request. */
function body(type: number, make: (reply: Bend, thing: Thing | undefined) => Buffer): Bender {
  return (reply, m, thing) =>
    m.type === type && reply.type === type + 1 ? [{ ...reply, body: make(reply, thing) }] : undefined;
}
const IO = /Input\/output error|I\/O error/;
const GONE = /not connected|Input\/output error|I\/O error|Software caused|can.t cd/;

/** Entries for the root, once; then the end. */
function listing(...entries: Buffer[]): Bender {
  const all = Buffer.concat(entries);
  return (reply, m) =>
    m.type === T.readdir
      ? [{ ...reply, body: Number(m.offset) === 0 ? bytes([32, all.length], all) : bytes([32, 0]) }]
      : undefined;
}
const some = file(9, '');
export const withAttr = (t: Thing, change: (b: Buffer) => void): Bender =>
  body(T.getattr, (reply, thing) => {
    if (thing?.path !== t.path) return reply.body;
    change(reply.body);
    return reply.body;
  });
const f = file(2, '');

export const CASES: Record<string, Case> = {
  'a reply with a tag that nobody has': {
    bend: (r, m) => (m.type === T.walk ? [{ ...r, tag: 77 }] : undefined),
    run: 'cat f',
    says: GONE,
    ends: /a reply with the tag 77/,
  },
  'the reply of another kind of request': {
    bend: (r, m) => (m.type === T.getattr ? [{ ...r, type: T.read + 1, body: bytes([32, 0]) }] : undefined),
    run: 'cat f',
    says: GONE,
    ends: /Rread where Rgetattr was due/,
  },
  'a request instead of a reply': {
    bend: (r, m) => (m.type === T.walk ? [{ ...r, type: T.walk }] : undefined),
    run: 'cat f',
    says: GONE,
    ends: /Twalk where Rwalk was due/,
  },
  'a reply twice': {
    bend: (r, m) => (m.type === T.statfs ? [r, r] : undefined),
    run: 'stat -f . ; cat f',
    says: GONE,
    ends: /a reply with the tag/,
  },
  'a size field of 3': {
    raw: (r) => (r.type === T.walk + 1 ? bytes([32, 3], [8, 1], [16, 1]) : undefined),
    run: 'cat f',
    says: GONE,
    ends: /impossible length/,
  },
  'a size field of 4 GiB': {
    raw: (r) => (r.type === T.walk + 1 ? bytes([32, 0xffffffff], [8, 1], [16, 1]) : undefined),
    run: 'cat f',
    says: GONE,
    ends: /impossible length/,
  },
  'a body that is too short': {
    bend: body(T.getattr, (r) => r.body.subarray(0, 100)),
    run: 'cat f',
    says: GONE,
    ends: /a malformed Rgetattr/,
  },
  'a body with bytes left over': {
    bend: body(T.lopen, (r) => bytes(r.body, [8, 0])),
    run: 'cat f',
    says: GONE,
    ends: /a malformed Rlopen/,
  },
  'a count that says more than there is': {
    bend: body(T.read, () => bytes([32, 1000], Buffer.from('abc'))),
    run: 'cat f',
    says: GONE,
    ends: /a malformed Rread/,
  },
  'the end of the stream in the middle of a reply': {
    raw: (r) => (r.type === T.walk + 1 ? frame(r).subarray(0, 9) : undefined),
    run: 'sleep 0.2; cat f',
    says: GONE,
    ends: /closed the connection/,
  },
  'more of a file than was asked for': {
    bend: body(T.read, () => bytes([32, 60000], Buffer.alloc(60000, 'x'))),
    run: 'dd if=f bs=4096 count=1 iflag=direct',
    says: IO,
    logs: /more of a file than it was asked for/,
  },
  'more written than was given': {
    bend: body(T.write, () => bytes([32, 1 << 20])),
    run: 'echo x >> f',
    says: IO,
    logs: /wrote more than it was given/,
  },
  'names with a slash, a NUL, none at all, too long, and one with an escape sequence': {
    bend: listing(
      dirent(some, 1, '.'),
      dirent(some, 2, '..'),
      dirent(some, 7, '../../etc/passwd\x1b[31m'),
      dirent(some, 3, 'a/b'),
      dirent(some, 4, 'n\0l'),
      dirent(some, 5, ''),
      dirent(some, 6, 'x'.repeat(256)),
      dirent(some, 8, 'good'),
    ),
    run: 'ls -a',
    says: /^\.\n\.\.\ngood\n$/,
    logs: /impossible name "\.\.\/\.\.\/etc\/passwd\\x1b\[31m"/,
  },
  'names of 4,095 bytes': {
    bend: listing(dirent(some, 1, 'y'.repeat(4095)), dirent(some, 2, 'good')),
    run: 'ls -a',
    says: /^good\n$/,
  },
  'half an entry': {
    bend: listing(dirent(some, 1, 'good'), dirent(some, 2, 'half').subarray(0, 20)),
    run: 'ls',
    says: IO,
    logs: /half an entry/,
  },
  'an offset that stays where it is': {
    bend: body(T.readdir, () => {
      const e = Buffer.concat([dirent(some, 5, 'a'), dirent(some, 5, 'b')]);
      return bytes([32, e.length], e);
    }),
    run: 'ls',
    says: IO,
    logs: /do not move on/,
  },
  'a folder that goes round in a circle': {
    bend: (r, m) => {
      if (m.type !== T.readdir) return undefined;
      const at = Number(m.offset) === 3 ? 1 : Number(m.offset) + 1;
      const e = dirent(some, at, `n${at}`);
      return [{ ...r, body: bytes([32, e.length], e) }];
    },
    run: 'ls',
    says: IO,
    logs: /in a circle/,
  },
  'a folder without end is interruptible': {
    bend: (r, m) => {
      if (m.type !== T.readdir) return undefined;
      const from = Number(m.offset);
      const e = Buffer.concat(
        Array.from({ length: 500 }, (_, i) => dirent(some, from + i + 1, `n${from + i}`)),
      );
      return [{ ...r, body: bytes([32, e.length], e) }];
    },
    run: 'timeout --foreground -s KILL 1 find . > /dev/null; echo ended $?',
    says: /ended 137/,
  },
  'a folder of nothing but bad names': {
    bend: (r, m) => {
      if (m.type !== T.readdir) return undefined;
      const e = dirent(some, Number(m.offset) + 1, 'a/b');
      return [{ ...r, body: bytes([32, e.length], e) }];
    },
    run: 'ls',
    says: IO,
    logs: /without one possible name/,
  },
  'offsets past 2^63': {
    bend: body(T.readdir, () => {
      const e = Buffer.concat([qid(some), bytes([64, 1n << 63n], [8, 8], 'a')]);
      return bytes([32, e.length], e);
    }),
    run: 'ls',
    says: IO,
  },
  'a file that becomes a folder': {
    bend: (() => {
      let times = 0;
      return body(T.getattr, (r, thing) =>
        thing?.path === 2 && ++times > 1 ? attr({ ...f, mode: 0o040755 }) : r.body,
      );
    })(),
    run: 'stat -c %F f; sleep 1.2; stat -c %F f; cat f; echo still alive',
    says: /regular file[\s\S]*still alive/,
  },
  'a mode of no type': {
    bend: withAttr(f, (b) => b.writeUInt32LE(0o644, 21)),
    run: 'cat f',
    says: IO,
    logs: /cannot be/,
  },
  'a folder by its qid, a file by its mode': {
    bend: withAttr(f, (b) => b.writeUInt8(0x80, 8)),
    run: 'cat f',
    says: IO,
    logs: /cannot be/,
  },
  'a size past 2^63': {
    bend: withAttr(f, (b) => b.writeBigUInt64LE(0xffffffffffffffffn, 49)),
    run: 'cat f',
    says: IO,
    logs: /cannot be/,
  },
  'nanoseconds of 4,294,967,295, a block size of 3, owners of -1': {
    bend: withAttr(f, (b) => {
      b.writeUInt32LE(0xffffffff, 97);
      b.writeUInt32LE(3, 57);
      b.writeUInt32LE(0xffffffff, 25);
      b.writeUInt32LE(0xffffffff, 29);
    }),
    run: 'stat -c "%o %u %g %y" f',
    says: /^4096 65534 65534 \S+ \S+\.000000000/,
  },
  'the root inside itself': {
    bend: (r, m) => {
      if (m.type === T.walk && m.nwname === 1)
        return [{ ...r, type: T.walk + 1, body: bytes([16, 1], qid(tree())) }];
      return m.type === T.getattr ? [{ ...r, type: T.getattr + 1, body: attr(tree()) }] : undefined;
    },
    run: 'ls d/d/d',
    says: IO,
    logs: /root of the share inside itself/,
  },
  'a refusal to make something is told as it is': {
    bend: (r, m) =>
      m.type === T.mkdir ? [error(r.tag, 2)] : m.type === T.symlink ? [error(r.tag, 24)] : undefined,
    // With fids that could be given up, to try once more.
    run: 'stat f d/g >/dev/null; mkdir new; ln -s x new',
    says: /No such file[\s\S]*Too many open files/,
  },
  'two folders, each inside the other': {
    bend: (() => {
      const [inner, outer] = [folder(8, {}), folder(3, {})];
      return (r, m, thing) => {
        // `d` holds `in`, `in` holds `d`; what is opened is never what was found, so that the way up is followed.
        if (m.type === T.walk && m.nwname > 0) {
          const qids = Array.from({ length: m.nwname }, (_, i) =>
            qid(m.names[i]?.text() === 'in' ? inner : outer),
          );
          return [{ ...r, type: T.walk + 1, body: bytes([16, m.nwname], ...qids) }];
        }
        if (m.type === T.getattr && thing?.path !== 1)
          return [{ ...r, type: T.getattr + 1, body: attr(m.fid % 2 === 0 ? inner : outer) }];
        return m.type === T.lopen
          ? [{ ...r, type: T.lopen + 1, body: bytes(qid(file(99, '')), [32, 0]) }]
          : undefined;
      };
    })(),
    run: 'for i in 1 2 3; do ls d/in d/in/d d; done',
    says: /Stale file handle|Input\/output error|Too many levels/,
  },
  'a walk that goes further than it was asked to': {
    bend: (r, m) =>
      m.type === T.walk && m.nwname === 1
        ? [{ ...r, type: T.walk + 1, body: bytes([16, 3], qid(f), qid(f), qid(f)) }]
        : undefined,
    run: 'cat f',
    says: IO,
  },
  'a walk of no steps': {
    bend: (r, m) =>
      m.type === T.walk && m.nwname === 1 ? [{ ...r, type: T.walk + 1, body: bytes([16, 0]) }] : undefined,
    run: 'cat f',
    says: IO,
  },
  'another file is opened than the one that was found': {
    bend: body(T.lopen, (r, thing) => (thing?.path === 2 ? bytes(qid(file(99, '')), [32, 0]) : r.body)),
    run: 'cat f',
    says: /Stale file handle|Input\/output error/,
  },
  'errors that the kernel must not see': {
    bend: (r, m) =>
      m.type === T.lopen
        ? [error(r.tag, 512)]
        : m.type === T.readlink
          ? [error(r.tag, 38)]
          : m.type === T.statfs
            ? [error(r.tag, 0)]
            : undefined,
    run: 'cat f; readlink -v l; stat -f .',
    says: /Input\/output error[\s\S]*not supported[\s\S]*Input\/output error/,
  },
  'ENOSYS to everything switches nothing off': {
    bend: (() => {
      let bad = true;
      return (r, m) => {
        if (m.type === T.fsync) {
          const was = bad;
          bad = false;
          return was ? [error(r.tag, 38)] : [error(r.tag, 28)];
        }
        return undefined;
      };
    })(),
    run: 'sync f; sync f',
    says: /not supported[\s\S]*No space left/,
  },
  'a link target with a NUL, and one of 5,000 bytes': {
    bend: (() => {
      let n = 0;
      return body(T.readlink, () => (n++ === 0 ? bytes('a\0b') : bytes('z'.repeat(5000))));
    })(),
    run: 'cat l; cat l',
    says: /Input\/output error[\s\S]*Input\/output error/,
  },
  'an extended attribute of 2^40 bytes': {
    bend: (r, m) =>
      m.type === T.xattrwalk ? [{ ...r, type: T.xattrwalk + 1, body: bytes([64, 1n << 40n]) }] : undefined,
    run: "python3 -c \"import os; os.getxattr('f', 'user.a')\"",
    says: IO,
  },
  'a file system of no blocks and a block size of 0': {
    bend: body(T.statfs, () => bytes([32, 1], [32, 0], Buffer.alloc(48, 0xff), [32, 0xffffffff])),
    run: 'stat -f -c "%s %l" .',
    says: /^4096 255/,
  },
  'replies in the wrong order from a server that promised order': {
    bend: (() => {
      let kept: Bend | undefined;
      return (r, m) => {
        if (m.type === T.walk && m.nwname === 1) {
          kept = r;
          return [];
        }
        if (m.type !== T.getattr || kept === undefined) return undefined;
        const was = kept;
        kept = undefined;
        return [r, was];
      };
    })(),
    run: 'cat f',
    says: IO,
    logs: /out of the order/,
  },
  'step by step, too: a lying walk': {
    version: '9P2000.L',
    bend: (r, m) =>
      m.type === T.walk && m.nwname === 1
        ? [{ ...r, type: T.walk + 1, body: bytes([16, 2], qid(f), qid(f)) }]
        : undefined,
    run: 'cat f',
    says: IO,
  },
  'step by step, too: another file is opened': {
    version: '9P2000.L',
    bend: body(T.lopen, () => bytes(qid(file(99, '')), [32, 0])),
    run: 'cat f',
    says: /Stale file handle|Input\/output error/,
  },
};
