// SPDX-License-Identifier: MIT

import { RLERROR, T } from '../../src/p9/messages.ts';
import { EXT } from '../../src/p9-client/extension.ts';
import type { Random } from '../helpers/random.ts';

/** A message that waits for its reply. */
export interface Asked {
  readonly type: number;
  readonly tag: number;
  readonly body: Buffer;
}

const MODES = [0o040755, 0o100644, 0o120777, 0o010644, 0o100644, 0o040755];
const NAMES = [
  'a',
  'file',
  '.',
  '..',
  '',
  'a/b',
  'n\0l',
  'x'.repeat(255),
  'z'.repeat(256),
  '\x1b[31m',
  'q'.repeat(4095),
];

function frame(type: number, tag: number, body: Buffer): Buffer {
  const b = Buffer.alloc(7 + body.length);
  b.writeUInt32LE(b.length, 0);
  b.writeUInt8(type, 4);
  b.writeUInt16LE(tag, 5);
  body.copy(b, 7);
  return b;
}

function numbers(random: Random, length: number): Buffer {
  const b = Buffer.alloc(length);
  for (let i = 0; i < length; i++) if (random(3) === 0) b[i] = random(4) === 0 ? 255 : random(8);
  return b;
}

function qid(random: Random, mode: number): Buffer {
  const b = Buffer.alloc(13);
  const kind = mode & 0o170000;
  b.writeUInt8(random(30) === 0 ? random(256) : kind === 0o040000 ? 0x80 : kind === 0o120000 ? 2 : 0, 0);
  b.writeUInt32LE(random(3), 1);
  b.writeUInt32LE(random(40) === 0 ? 1 : 2 + random(30), 5);
  return b;
}

function attr(random: Random): Buffer {
  const mode = random(40) === 0 ? random(0x10000) : (MODES[random(MODES.length)] as number);
  const b = Buffer.alloc(153);
  b.writeUInt32LE(random(20) === 0 ? random(0x800) : 0x7ff, 0);
  qid(random, mode).copy(b, 8);
  b.writeUInt32LE(mode, 21);
  b.writeUInt32LE(1 + random(2), 33);
  b.writeUInt32LE(random(100_000), 49);
  b.writeUInt32LE(4096, 57);
  if (random(20) === 0) numbers(random, 60).copy(b, 49);
  return b;
}

/** Entries of Rreaddir (24 bytes before the name) or Rreaddirplus (the attributes, then offset and name). */
function entries(random: Random, plus: boolean): Buffer {
  const all: Buffer[] = [];
  for (let n = random(6); n > 0; n--) {
    const name = Buffer.from(NAMES[random(NAMES.length)] as string, 'latin1');
    const tail = Buffer.alloc(10);
    tail.writeUInt32LE(random(20) === 0 ? 0 : random(1000), 0);
    if (random(50) === 0) tail.writeUInt32LE(0xffffffff, 4);
    tail.writeUInt16LE(random(60) === 0 ? random(0x10000) : name.length, 8);
    if (plus) all.push(attr(random), tail, name);
    else
      all.push(qid(random, 0o100644), tail.subarray(0, 8), Buffer.from([random(16)]), tail.subarray(8), name);
  }
  return Buffer.concat(all);
}

/** Records of Rchanges, most of folders that are watched. */
function changes(random: Random): Buffer {
  const all: Buffer[] = [];
  for (let n = 1 + random(5); n > 0; n--) {
    const what = random(30) === 0 ? random(256) : [1, 2, 4, 8][random(4)];
    const name = what === 4 || what === 8 ? '' : (NAMES[random(NAMES.length)] as string);
    const head = Buffer.alloc(7);
    head.writeUInt32LE(random(20) === 0 ? 0xffffffff : random(30), 0);
    head.writeUInt8(what ?? 1, 4);
    head.writeUInt16LE(random(60) === 0 ? random(0x10000) : name.length, 5);
    all.push(head, Buffer.from(name, 'latin1'));
  }
  return Buffer.concat(all);
}

function counted(data: Buffer, random: Random): Buffer {
  const b = Buffer.alloc(4);
  b.writeUInt32LE(random(60) === 0 ? random(0x7fffffff) : data.length, 0);
  return Buffer.concat([b, data]);
}

function plausible({ type, body }: Asked, random: Random): Buffer {
  switch (type) {
    case T.walk: {
      const asked = body.length >= 10 ? body.readUInt16LE(8) : 0;
      const n = random(15) === 0 ? random(18) : asked;
      const head = Buffer.alloc(2);
      head.writeUInt16LE(n, 0);
      return Buffer.concat([
        head,
        ...Array.from({ length: n }, () => qid(random, MODES[random(6)] as number)),
      ]);
    }
    case T.getattr:
    case EXT.lookup:
      return attr(random);
    case T.read: {
      const asked = body.length >= 16 ? body.readUInt32LE(12) : 0;
      const n = random(20) === 0 ? Math.min(65_000, asked + 1) : random(Math.min(asked, 60_000) + 1);
      return counted(Buffer.alloc(n, 0x62), random);
    }
    case T.readdir:
      return counted(entries(random, false), random);
    case EXT.readdirplus:
      return Buffer.concat([Buffer.from([random(4)]), counted(entries(random, true), random)]);
    case EXT.changes:
      return counted(changes(random), random);
    case T.write: {
      const b = Buffer.alloc(4);
      const count = body.length >= 16 ? body.readUInt32LE(12) : 0;
      b.writeUInt32LE(random(15) === 0 ? count + 1 : random(4) === 0 ? random(count + 1) : count, 0);
      return b;
    }
    case T.readlink: {
      const text = Buffer.from(random(10) === 0 ? 'a\0b' : 'x'.repeat(random(20) === 0 ? 5000 : random(100)));
      const head = Buffer.alloc(2);
      head.writeUInt16LE(text.length, 0);
      return Buffer.concat([head, text]);
    }
    case T.lopen:
    case T.lcreate:
      return Buffer.concat([qid(random, MODES[random(2)] as number), numbers(random, 4)]);
    case T.mkdir:
    case T.mknod:
    case T.symlink:
      return qid(random, MODES[random(6)] as number);
    case T.statfs:
      return numbers(random, 60);
    case T.xattrwalk: {
      const b = Buffer.alloc(8);
      b.writeUInt32LE(random(10) === 0 ? 0x7fffffff : random(300), 0);
      return b;
    }
    case T.lock:
      return Buffer.from([random(5)]);
    case T.getlock: {
      const b = numbers(random, 23 + 2);
      b.writeUInt16LE(2, 21);
      return Buffer.concat([b.subarray(0, 23), Buffer.from('me')]);
    }
    default:
      return Buffer.alloc(0);
  }
}

/** A reply: mostly one that could be, often an error, seldom one that breaks the protocol. */
export function randomReply(asked: Asked, random: Random, msize: number): Buffer {
  const { type, tag } = asked;
  if (random(6) === 0) {
    const b = Buffer.alloc(4);
    b.writeUInt32LE(random(4) === 0 ? random(0x7fffffff) : 1 + random(133), 0);
    return frame(RLERROR, tag, b);
  }
  const body = plausible(asked, random);
  const good = frame(type + 1, tag, body.subarray(0, msize - 7));
  switch (random(1500)) {
    case 0:
      return frame(type + 1, random(0x10000), body);
    case 1:
      return frame(random(256), tag, body);
    case 2:
      return frame(type + 1, tag, numbers(random, random(200)));
    case 3:
      return Buffer.concat([good, good]);
    case 4: {
      const bad = Buffer.from(good);
      bad.writeUInt32LE(random(2) === 0 ? random(7) : random(0x7fffffff), 0);
      return bad;
    }
    case 5:
      return numbers(random, 7 + random(100));
    default:
      return good;
  }
}
