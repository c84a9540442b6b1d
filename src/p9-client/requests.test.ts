// SPDX-License-Identifier: MIT
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Mem } from '../base/mem.ts';
import { DECODED, decode } from '../p9/codec.ts';
import { Reader } from '../p9/coder.ts';
import { MAXWELEM, MIN_MSIZE, NAME_MAX, NOFID } from '../p9/constants.ts';
import { ROWS, T } from '../p9/messages.ts';
import { Msg } from '../p9/msg.ts';
import { Requests } from './requests.ts';
import { attachSize, symlinkSize, walkable } from './sizes.ts';
import { Reply, Tags } from './tags.ts';
import { wellFormed } from './well-formed.ts';

const BIG_LO = 0x89abcdef;
const BIG_HI = 0x01234567;
const BIG = (BigInt(BIG_HI) << 32n) | BigInt(BIG_LO);

/** Each request written by hand, and what the table of p9/ must read out of it. */
const WRITTEN: [
  name: string,
  write: (r: Requests) => void,
  fields: Partial<Record<keyof Msg, unknown>>,
  names?: string[],
][] = [
  ['Tversion', (r) => r.version(8192, '9P2000.L'), { tag: 0xffff, msize: 8192 }, ['9P2000.L']],
  [
    'Tattach',
    (r) => r.attach(3, 0, 'me', 'tree', 1000),
    { tag: 3, fid: 0, afid: NOFID, nuname: 1000 },
    ['me', 'tree'],
  ],
  ['Tflush', (r) => r.flush(3, 9), { oldtag: 9 }],
  ['Twalk', (r) => r.clone(3, 1, 2), { fid: 1, newfid: 2, nwname: 0 }],
  ['Twalk', (r) => r.walk1(3, 1, 2, 'n\xff'), { fid: 1, newfid: 2, nwname: 1 }],
  ['Twalk', (r) => r.walk(3, 1, 2, ['a', 'b']), { fid: 1, newfid: 2, nwname: 2 }],
  ['Tlookup', (r) => r.lookup(3, 1, 'x'), { fid: 1 }, ['x']],
  ['Tclunk', (r) => r.clunk(3, 5), { fid: 5 }],
  ['Tstatfs', (r) => r.statfs(3, 5), { fid: 5 }],
  ['Treadlink', (r) => r.readlink(3, 5), { fid: 5 }],
  ['Tremove', (r) => r.remove(3, 5), { fid: 5 }],
  ['Tgetattr', (r) => r.getattr(3, 5, 0x7ff), { fid: 5, mask: 0x7ff }],
  ['Tlopen', (r) => r.lopen(3, 5, 0o2001), { fid: 5, flags: 0o2001 }],
  [
    'Tlcreate',
    (r) => r.lcreate(3, 5, 'new', 0o102, 0o644, 7),
    { fid: 5, flags: 0o102, mode: 0o644, gid: 7 },
    ['new'],
  ],
  ['Tsymlink', (r) => r.symlink(3, 5, 'l', 'to', 7), { dfid: 5, gid: 7 }, ['l', 'to']],
  [
    'Tmknod',
    (r) => r.mknod(3, 5, 'p', 0o10644, 1, 2, 7),
    { mode: 0o10644, major: 1, minor: 2, gid: 7 },
    ['p'],
  ],
  ['Tmkdir', (r) => r.mkdir(3, 5, 'd', 0o755, 7), { mode: 0o755, gid: 7 }, ['d']],
  ['Tlink', (r) => r.link(3, 5, 6, 'h'), {}, ['h']],
  ['Trename', (r) => r.rename(3, 5, 6, 'n'), { fid: 5 }, ['n']],
  ['Trenameat', (r) => r.renameat(3, 5, 'a', 6, 'b'), { fid: 5, newdirfid: 6 }, ['a', 'b']],
  ['Tunlinkat', (r) => r.unlinkat(3, 5, 'a', 0x200), { fid: 5, flags: 0x200 }, ['a']],
  ['Tread', (r) => r.read(T.read, 3, 5, BIG_LO, BIG_HI, 4096), { fid: 5, offset: BIG, count: 4096 }],
  ['Treaddir', (r) => r.read(T.readdir, 3, 5, 1, 0, 4096), { fid: 5, offset: 1, count: 4096 }],
  ['Twatch', (r) => r.watch(3, 5, 9), { fid: 5, id: 9 }],
  ['Tunwatch', (r) => r.unwatch(3, 9), { id: 9 }],
  ['Tchanges', (r) => r.changes(3), {}],
  ['Treaddirplus', (r) => r.read(T.readdirplus, 3, 5, 1, 0, 4096), { fid: 5, offset: 1, count: 4096 }],
  ['Twrite', (r) => r.write(3, 5, 7, 0, Uint8Array.of(1, 2)), { fid: 5, offset: 7 }],
  ['Tfsync', (r) => r.fsync(3, 5, 1), { fid: 5, datasync: 1 }],
  ['Txattrwalk', (r) => r.xattrwalk(3, 5, 6, 'user.a'), { fid: 5, newfid: 6 }, ['user.a']],
  ['Txattrcreate', (r) => r.xattrcreate(3, 5, 'user.a', 9, 2), { fid: 5, size: 9, flags: 2 }, ['user.a']],
  [
    'Tlock',
    (r) => r.lock(3, 5, 1, 0, BIG_LO, BIG_HI, 4, 0, 8, 'me'),
    { lockType: 1, start: BIG, length: 4, procId: 8 },
    ['me'],
  ],
  [
    'Tgetlock',
    (r) => r.getlock(3, 5, 1, BIG_LO, BIG_HI, 4, 0, 8, 'me'),
    { lockType: 1, start: BIG, length: 4, procId: 8 },
    ['me'],
  ],
];

for (const [name, write, fields, names = []] of WRITTEN) {
  test(`${name} is what the table says, to the last byte`, () => {
    const requests = new Requests(new Mem(new Uint8Array(8192), 0));
    write(requests);
    const reader = new Reader(requests.mem.u8);
    reader.at(0, requests.end);
    const m = new Msg();
    assert.equal(decode(reader, m), DECODED);
    assert.equal(m.type, ROWS.find((r) => r.name === name)?.type);
    assert.equal(requests.mem.dv.getUint32(0, true), requests.end);
    for (const [field, value] of Object.entries(fields)) assert.equal(m[field as keyof Msg], value, field);
    assert.deepEqual(
      [m.name, m.name2].slice(0, names.length).map((s) => Buffer.from(s.copy()).toString('latin1')),
      names,
    );
  });
}

test('Twalk carries any byte of a name', () => {
  const requests = new Requests(new Mem(new Uint8Array(64), 0));
  requests.walk1(3, 1, 2, '\xff\x01é');
  assert.equal(Buffer.from(requests.mem.u8.subarray(17, requests.end)).toString('hex'), '0300ff01e9');
});

test('Tsetattr: fields in their places', () => {
  const requests = new Requests(new Mem(new Uint8Array(128), 0));
  requests.setattr(3, 5, 0x1ff, 0o600, 1, 2, 3, 4, 5, 0, 6, 7, 0, 8);
  const reader = new Reader(requests.mem.u8);
  reader.at(0, requests.end);
  const m = new Msg();
  assert.equal(decode(reader, m), DECODED);
  const { mode, uid, gid, size, atimeSec, atimeNsec, mtimeSec, mtimeNsec } = m.attr;
  assert.deepEqual(
    [mode, uid, gid, size, atimeSec, atimeNsec, mtimeSec, mtimeNsec],
    [0o600, 1, 2, 4 * 2 ** 32 + 3, 5, 6, 7, 8],
  );
});

const LONG = 'n'.repeat(NAME_MAX);
/** Those that carry names, as long as they can be. */
const LONGEST: Record<string, (r: Requests) => void> = {
  version: (r) => r.version(1, '9P2000.L.ninefold'),
  walk1: (r) => r.walk1(3, 1, 2, LONG),
  lookup: (r) => r.lookup(3, 1, LONG),
  lcreate: (r) => r.lcreate(3, 5, LONG, 1, 2, 3),
  mknod: (r) => r.mknod(3, 5, LONG, 1, 2, 3, 4),
  mkdir: (r) => r.mkdir(3, 5, LONG, 1, 2),
  link: (r) => r.link(3, 5, 6, LONG),
  rename: (r) => r.rename(3, 5, 6, LONG),
  renameat: (r) => r.renameat(3, 5, LONG, 6, LONG),
  unlinkat: (r) => r.unlinkat(3, 5, LONG, 0),
  xattrwalk: (r) => r.xattrwalk(3, 5, 6, LONG),
  xattrcreate: (r) => r.xattrcreate(3, 5, LONG, 1, 2),
  lock: (r) => r.lock(3, 5, 1, 0, 1, 2, 3, 4, 5, LONG),
  getlock: (r) => r.getlock(3, 5, 1, 1, 2, 3, 4, 5, LONG),
};
/** Those that are measured before they are sent. */
const MEASURED = ['walk', 'symlink', 'attach', 'write'];
/** Numbers and nothing else. */
const FIXED =
  'flush clone watch unwatch changes clunk statfs readlink getattr setattr lopen remove read fsync';
const OWN = 'constructor room begin done u8 u16 u32 u64 halves str fidOnly';

test('what is not measured fits into the smallest msize, whatever it carries', () => {
  for (const [name, write] of Object.entries(LONGEST)) {
    const requests = new Requests(new Mem(new Uint8Array(8192), 0));
    write(requests);
    assert.ok(requests.end <= MIN_MSIZE, `${name}: ${requests.end}`);
  }
  const all = [...Object.keys(LONGEST), ...MEASURED, ...FIXED.split(' '), ...OWN.split(' ')];
  assert.deepEqual(Object.getOwnPropertyNames(Requests.prototype).sort(), all.sort());
});

test('what is measured is as long as it was said to be', () => {
  const length = (write: (r: Requests) => void): number => {
    const requests = new Requests(new Mem(new Uint8Array(8192), 0));
    write(requests);
    return requests.end;
  };
  assert.equal(
    length((r) => r.symlink(3, 5, LONG, 'to', 7)),
    symlinkSize(LONG, 'to'),
  );
  assert.equal(
    length((r) => r.attach(3, 0, 'me', LONG, 7)),
    attachSize('me', LONG),
  );
  const names = Array.from({ length: 20 }, () => LONG);
  assert.equal(walkable(names, 8192), MAXWELEM);
  for (const msize of [MIN_MSIZE, 17 + 257 * 3, 17 + 257 * 3 - 1]) {
    const n = walkable(names, msize);
    assert.ok(length((r) => r.walk(3, 1, 2, names.slice(0, n))) <= msize);
    assert.ok(length((r) => r.walk(3, 1, 2, names.slice(0, n + 1))) > msize);
  }
  assert.equal(walkable(['a', 'b'], MIN_MSIZE), 2);
});

function reply(type: number, hex: string): Reply {
  const r = new Reply();
  r.u8 = Uint8Array.from(Buffer.from(hex, 'hex'));
  r.dv = new DataView(r.u8.buffer);
  r.type = type;
  r.end = r.u8.length;
  return r;
}

test('a body is well-formed only when its counts fill it', () => {
  assert.ok(wellFormed(reply(T.read + 1, '02000000aabb')));
  for (const bad of ['02000000aa', '02000000aabbcc', '020000', ''])
    assert.ok(!wellFormed(reply(T.read + 1, bad)), bad);
  assert.ok(wellFormed(reply(T.walk + 1, '0000')));
  assert.ok(!wellFormed(reply(T.walk + 1, '0100')));
  assert.ok(wellFormed(reply(T.readlink + 1, '010061')));
  assert.ok(!wellFormed(reply(T.readlink + 1, '02006100')) === false);
  assert.ok(!wellFormed(reply(T.readlink + 1, '030061')));
  assert.ok(wellFormed(reply(T.clunk + 1, '')));
  assert.ok(!wellFormed(reply(T.clunk + 1, '00')));
  assert.ok(!wellFormed(reply(T.getattr + 1, '00'.repeat(152))));
  assert.ok(wellFormed(reply(T.getattr + 1, '00'.repeat(153))));
  assert.ok(!wellFormed(reply(200, '')), 'a type without a row');
});

test('tags: each is settled once, and its successor is another request', () => {
  const tags = new Tags<null, string>(2);
  const seen: [string, number, number][] = [];
  const note = (_e: null, op: string, err: number, _r: Reply, data: number): void => {
    seen.push([op, err, data]);
  };
  const a = tags.take(T.read, 'a', note, 7);
  const serial = tags.serialOf(a);
  assert.equal(tags.wanted(a), T.read + 1);
  assert.equal(tags.wanted(999), 0);
  tags.settle(null, a, 5, new Reply());
  tags.settle(null, a, 6, new Reply());
  assert.deepEqual(seen, [['a', 5, 7]]);
  assert.equal(tags.wanted(a), 0);
  assert.equal(tags.ofSerial(serial), -1);
  const b = tags.take(T.read, 'b', note, 8);
  assert.equal(b, a);
  assert.notEqual(tags.serialOf(b), serial);
  assert.equal(tags.ofSerial(serial), -1);
  assert.equal(tags.ofSerial(tags.serialOf(b)), b);
  tags.take(T.read, 'c', note, 9);
  assert.throws(() => tags.take(T.read, 'd', note, 0), RangeError);
});
