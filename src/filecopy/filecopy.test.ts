// SPDX-License-Identifier: MIT
// The engines against a file system that fails, and against each other.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import {
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  statSync,
  symlinkSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { test } from 'node:test';
import * as zlib from 'node:zlib';
import fc from 'fast-check';
import { LIMITLESS } from '../../test/filecopy/limitless.ts';
import { DIR, END, item, LNK, REG } from '../../test/filecopy/wire.ts';
import { fuzz } from '../../test/fuzz/budget.ts';
import { scratch, sys } from '../../test/helpers/linux.ts';
import { EEXIST, EINVAL, EIO, ENOSPC, EOPNOTSUPP } from '../base/errno.ts';
import { O_TMPFILE, type Sys } from '../base/sys.ts';
import { pipe } from '../linux/descriptors.ts';
import { decodeResult, LEGAL_EOF, crc32 as table, UNPACKER_RULES } from '../qfile/index.ts';
import { crc32 } from './crc.ts';
import {
  Check,
  type Complaint,
  Journal,
  type Received,
  Receiver,
  removeSent,
  type SendEnd,
  Sender,
  type Walk,
} from './index.ts';

type Dir = ReturnType<typeof scratch>;

/** Runs a receiver on a stream in a file. */
function receive(
  t: Dir,
  stream: Uint8Array,
  over: Partial<Sys> = {},
  more: { maxBytes?: number } = {},
): Received & { told: number | undefined } {
  writeFileSync(t.path('stream'), stream);
  if (!existsSync(t.path('in'))) mkdirSync(t.path('in'));
  const [readFd, writeFd, rootFd] = [
    openSync(t.path('stream'), 'r'),
    openSync(t.path('answer'), 'w'),
    openSync(t.path('in'), 'r'),
  ];
  const umask = process.umask(0);
  try {
    const end = new Receiver({
      // A failed receiver closes its input itself.
      sys: { ...sys, close: (fd) => (fd === readFd ? 0 : sys.close(fd)), ...over },
      readFd,
      writeFd,
      rootFd,
      rules: UNPACKER_RULES,
      ...LIMITLESS,
      ...more,
    }).run();
    return { ...end, told: decodeResult(readFileSync(t.path('answer')))?.error };
  } finally {
    process.umask(umask);
    for (const fd of [readFd, writeFd, rootFd]) closeSync(fd);
  }
}

const noTmpfile: Partial<Sys> = {
  openat: (dir, path, flags, mode) =>
    (flags & O_TMPFILE) === O_TMPFILE ? -EOPNOTSUPP : sys.openat(dir, path, flags, mode),
};

test('the checksum of zlib is ours', () => {
  const bytes = Buffer.from('the quick brown fox');
  assert.equal(crc32(bytes, 7), table(bytes, 7));
  assert.equal(crc32(bytes, 7), zlib.crc32(bytes, 7));
});

test('a full disk, a broken one, and one that cannot sync: told, and nothing half-made', (t) => {
  for (const [over, error, there] of [
    [
      {
        write: (fd: number, mem: never, off: number, len: number) =>
          len > 1000 ? -ENOSPC : sys.write(fd, mem, off, len),
      },
      ENOSPC,
      [],
    ],
    [{ utimensFd: () => -EIO }, EIO, []],
    [{ linkFd: () => -EIO }, EIO, []],
    [{ syncfs: () => -EIO }, EIO, ['f']],
    [{ read: () => -EIO }, EIO, []],
  ] as const)
    for (const fallback of [{}, noTmpfile]) {
      const d = scratch(t);
      // With a temporary name there is no link to fail.
      const more = 'linkFd' in over && fallback === noTmpfile ? { renameat: () => -EIO } : {};
      const r = receive(d, Buffer.concat([item('f', REG, 'x'.repeat(2000)), END]), {
        ...fallback,
        ...over,
        ...more,
      } as Partial<Sys>);
      assert.equal(r.error, error);
      assert.equal(r.told, error);
      assert.deepEqual(readdirSync(d.path('in')), there);
    }
});

test('without nameless files: a temporary name, and never another in its place', (t) => {
  for (const more of [{}, { renameat: () => -EINVAL }]) {
    const d = scratch(t);
    const over = { ...noTmpfile, ...more };
    const stream = [item('d', DIR), item('d/f', REG, 'hello'), item('d', 0o40700), item('e', 0o100640), END];
    assert.equal(receive(d, Buffer.concat(stream), over).error, 0);
    assert.deepEqual(readdirSync(d.path('in')).sort(), ['d', 'e']);
    assert.deepEqual(readdirSync(d.path('in/d')), ['f']);
    assert.equal(statSync(d.path('in/e')).mode & 0o7777, 0o640);
    assert.equal(receive(d, Buffer.concat([item('e', REG, 'other'), END]), over).error, EEXIST);
    assert.equal(readFileSync(d.path('in/e'), 'utf8'), '');
    assert.equal(receive(d, item('half', REG, 'x'.repeat(9)).subarray(0, -1), over).error, LEGAL_EOF);
    assert.deepEqual(readdirSync(d.path('in')).sort(), ['d', 'e']);
  }
});

test('without openat2 (before Linux 5.6) the way is walked component by component, to the same end', (t) => {
  const d = scratch(t);
  const over = { openat2: () => -38 };
  const stream = [item('a', DIR), item('a/b', DIR), item('a/l', LNK, 'b'), item('a/b/f', REG, 'x')];
  assert.equal(receive(d, Buffer.concat([...stream, END]), over).error, 0);
  assert.equal(readFileSync(d.path('in/a/b/f'), 'utf8'), 'x');
  const through = receive(d, Buffer.concat([item('a/l/g', REG), END]), over);
  assert.equal(through.error, 20);
  assert.equal(Buffer.from(through.lastName ?? []).toString(), 'l');
});

test('waiting for space ends', (t) => {
  const d = scratch(t);
  const r = receive(d, Buffer.concat([item('f', REG, 'x'), END]), {}, {
    keepFree: Number.MAX_SAFE_INTEGER,
  } as never);
  assert.equal(r.error, ENOSPC);
  assert.deepEqual(readdirSync(d.path('in')), []);
});

test('any stream: an answer, nothing outside, and no name that was not earned', async (t) => {
  const name = fc.oneof(
    fc.constantFrom('a', 'b', 'a/b', 'a/b/c', 'a/l', 'l', '..', '../x', '/x', 'a//b', '.', ''),
    fc.string({ maxLength: 6 }),
  );
  const part = fc.record({
    name,
    mode: fc.constantFrom(REG, DIR, LNK, 0o104755, 0o20666, 0, 0xffffffff),
    data: fc.oneof(
      fc.constantFrom('', '../x', '/etc', 'b', '..', 'x'.repeat(5000)),
      fc.string({ maxLength: 40 }),
    ),
    filelen: fc.option(fc.constantFrom(0, 1, 2 ** 31, 2 ** 53, 2 ** 63), { nil: undefined }),
    namelen: fc.option(fc.constantFrom(1, 16_383, 16_384, 0xffffffff), { nil: undefined }),
  });
  const seen = new Map<number, number>();
  await fuzz(
    t,
    fc.property(
      fc.array(part, { maxLength: 8 }),
      fc.nat(400),
      fc.option(fc.tuple(fc.nat(400), fc.nat(255)), { nil: undefined }),
      fc.boolean(),
      (parts, cut, flip, whole) => {
        const undos: (() => void)[] = [];
        const d = scratch({ after: (fn: () => void) => undos.push(fn) } as never);
        try {
          writeFileSync(d.path('canary'), 'sings');
          const items = parts.map((p) =>
            item(p.name, p.mode, p.data, {
              ...(p.filelen === undefined ? {} : { filelen: p.filelen }),
              ...(p.namelen === undefined ? {} : { namelen: p.namelen }),
            }),
          );
          const stream = Buffer.concat([...items, END]);
          if (flip !== undefined && flip[0] < stream.length) stream[flip[0]] = flip[1];
          const r = receive(
            d,
            whole ? stream : stream.subarray(0, cut),
            { syncfs: () => 0 },
            { maxBytes: 1e6 },
          );
          seen.set(r.error, (seen.get(r.error) ?? 0) + 1);
          assert.ok(r.answered ? r.told === r.error : r.told === undefined);
          assert.deepEqual(readdirSync(d.dir).sort(), ['answer', 'canary', 'in', 'stream']);
          assert.equal(readFileSync(d.path('canary'), 'utf8'), 'sings');
          for (const found of readdirSync(d.path('in'))) assert.ok(!found.includes('.part'));
        } finally {
          for (const undo of undos) undo();
        }
      },
    ),
  );
  assert.ok(seen.size >= 2, 'always the same end');
});

/** Sends below `dir` into a pipe whose other end a file is, with the result already there. */
function send(
  d: Dir,
  name: string,
  over: Partial<Sys> = {},
  more: { sent?: (walk: Walk) => void; progress?: () => boolean } = {},
): { end: SendEnd; stream: Buffer } {
  writeFileSync(d.path('answer'), '');
  const [readFd, writeFd] = [openSync(d.path('answer'), 'r'), openSync(d.path('out'), 'w')];
  const idle: [number, number] = [-1, -1];
  pipe(idle);
  const sender = new Sender({
    // A file is always readable: nothing has been said before the end of the stream.
    sys: { ...sys, poll: (fds, count, ms) => (ms === 0 ? 0 : sys.poll(fds, count, ms)), ...over },
    readFd,
    writeFd,
    ignoreSymlinks: false,
    idleMs: 0,
    progress: () => true,
    tick: () => {},
    ...more,
  });
  const end = sender.send(d.fd, Buffer.from(name)) ?? sender.finish();
  for (const fd of [readFd, writeFd, ...idle]) closeSync(fd);
  return { end, stream: readFileSync(d.path('out')) };
}

test('the stream of a tree, byte for byte', (t) => {
  const d = scratch(t);
  mkdirSync(d.path('tree'), { mode: 0o755 });
  writeFileSync(d.path('tree/f'), 'hello', { mode: 0o644 });
  const { end, stream } = send(d, 'tree');
  assert.equal(end.kind, 'closed');
  const time = (path: string): Record<string, number> => {
    const s = statSync(d.path(path), { bigint: true });
    return {
      atime: Number(s.atimeNs / 1_000_000_000n),
      atimeNsec: Number(s.atimeNs % 1_000_000_000n),
      mtime: Number(s.mtimeNs / 1_000_000_000n),
      mtimeNsec: Number(s.mtimeNs % 1_000_000_000n),
    };
  };
  // Reading moves access times; they are compared by what was sent.
  const blank = (b: Buffer): Buffer => {
    const copy = Buffer.from(b);
    for (let at = 0; at + 32 <= copy.length; ) {
      const [namelen, mode, length] = [
        copy.readUInt32LE(at),
        copy.readUInt32LE(at + 4),
        copy.readUInt32LE(at + 8),
      ];
      copy.fill(0, at + 16, at + 24);
      at += 32 + namelen + ((mode & 0o170000) === 0o40000 ? 0 : length);
    }
    return copy;
  };
  const folder = item('tree', DIR, '', time('tree'));
  assert.deepEqual(
    blank(stream),
    blank(Buffer.concat([folder, item('tree/f', REG, 'hello', time('tree/f')), folder, END])),
  );
});

test('what cannot be read ends the transfer with its name; what got shorter is sent as long as it is', (t) => {
  const d = scratch(t);
  mkdirSync(d.path('tree'));
  writeFileSync(d.path('tree/f'), 'hello');
  const broken = send(d, 'tree', { read: () => -EIO });
  assert.deepEqual(broken.end, {
    kind: 'unreadable',
    errno: EIO,
    path: Uint8Array.from(Buffer.from('tree/f')),
  });
  const cut = send(d, 'tree', {
    read: (fd, mem, off, len) => (len === 0 ? 0 : Math.min(sys.read(fd, mem, off, 2), len)),
  });
  assert.equal(cut.end.kind, 'closed');
  let calls = 0;
  const shorter = send(d, 'tree', {
    read: (fd, mem, off) => (calls++ === 0 ? sys.read(fd, mem, off, 2) : 0),
  });
  assert.equal(shorter.end.kind, 'closed');
  assert.ok(shorter.stream.includes('tree/f\0he'));
  writeFileSync(d.path('big'), Buffer.alloc(3_000_000));
  let big = 0;
  assert.equal(
    send(d, 'big', { read: (fd, mem, off, len) => (big++ === 0 ? sys.read(fd, mem, off, len) : 0) }).end.kind,
    'shrank',
  );
  assert.equal(send(d, 'big', {}, { progress: () => false }).end.kind, 'cancelled');
  assert.equal(send(d, 'none').end.kind, 'unreadable');
});

test('a folder that is swapped for a link while it is walked leads nowhere', (t) => {
  const d = scratch(t);
  mkdirSync(d.path('tree/sub'), { recursive: true });
  mkdirSync(d.path('secret'));
  writeFileSync(d.path('secret/key'), 'secret');
  writeFileSync(d.path('tree/sub/f'), 'f');
  const { stream } = send(d, 'tree', {
    getdents: (fd, mem, off, len) => {
      const n = sys.getdents(fd, mem, off, len);
      // It has been listed as a folder, and is a link when its turn comes.
      if (n > 0 && existsSync(d.path('tree/sub/f'))) {
        renameSync(d.path('tree/sub'), d.path('moved'));
        symlinkSync('../secret', d.path('tree/sub'));
      }
      return n;
    },
  });
  assert.ok(!stream.includes('secret'));
});

test('a journal removes what is as it was, and keeps the rest', (t) => {
  const d = scratch(t);
  mkdirSync(d.path('tree/sub'), { recursive: true });
  for (const name of ['same', 'changed', 'replaced', 'sub/deep']) writeFileSync(d.path(`tree/${name}`), name);
  const journal = new Journal(sys, [d.dir]);
  send(d, 'tree', {}, { sent: (walk) => journal.add(0, walk) });
  const fd = openSync(d.path('tree/changed'), 'a');
  writeSync(fd, '!');
  closeSync(fd);
  writeFileSync(d.path('tree/new'), 'replaced');
  renameSync(d.path('tree/new'), d.path('tree/replaced'));
  writeFileSync(d.path('tree/later'), 'later');
  const kept: string[] = [];
  assert.deepEqual(
    removeSent(sys, journal, [d.fd], (path, why) => kept.push(`${Buffer.from(path)}: ${why}`)),
    { stayed: 3, failed: 0 },
  );
  journal.close();
  assert.deepEqual(readdirSync(d.path('tree')).sort(), ['changed', 'later', 'replaced']);
  assert.deepEqual(kept.sort(), [
    'tree/changed: it was changed or replaced since it was sent',
    'tree/replaced: it was changed or replaced since it was sent',
    'tree: it holds what was not sent',
  ]);
});

test('a look beforehand finds what a receiver will refuse, and the sizes', (t) => {
  const d = scratch(t);
  mkdirSync(d.path('tree/sub'), { recursive: true });
  writeFileSync(d.path('tree/a\n'), '12345');
  symlinkSync('/etc', d.path('tree/out'));
  symlinkSync('../a', d.path('tree/sub/in'));
  symlinkSync('x', d.path('tree/b\n'));
  const found: string[] = [];
  const complain = (c: Complaint): void => {
    found.push(`${Buffer.from(c.path)} ${c.about} ${c.error}`);
  };
  const check = new Check({ sys, ignoreSymlinks: false, rules: UNPACKER_RULES, complain });
  assert.equal(check.argument(d.fd, Buffer.from('tree')), 0);
  assert.deepEqual(found.sort(), ['tree/a\n name 84', 'tree/b\n name 84', 'tree/out target 67']);
  assert.deepEqual([check.files, check.folders, check.links, check.bytes], [1, 2, 3, 5 + 4 + 4 + 1]);
  assert.equal(
    new Check({ sys, ignoreSymlinks: true, rules: UNPACKER_RULES, complain }).argument(
      d.fd,
      Buffer.from('none'),
    ),
    2,
  );
});

test('a tree deeper than any path the kernel takes goes out by descriptors', (t) => {
  let dir = '';
  // Node cannot remove what has so long a path.
  t.after(() => execFileSync('rm', ['-rf', dir]));
  const d = scratch(t);
  dir = d.dir;
  let fd = sys.dup(d.fd);
  const name = sys.alloc(300);
  name.cstring('d'.repeat(100));
  for (let i = 0; i < 60; i++) {
    sys.mkdirat(fd, name, 0o755);
    const next = sys.openat(fd, name, 0o200000, 0);
    sys.close(fd);
    fd = next;
  }
  sys.close(fd);
  const { end, stream } = send(d, 'd'.repeat(100));
  assert.equal(end.kind, 'closed');
  assert.equal(receive(d, stream).error, 0);
});
