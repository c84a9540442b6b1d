// SPDX-License-Identifier: MIT

import { ENOENT } from '../../base/errno.ts';
import type { Mem } from '../../base/mem.ts';
import { S_IFDIR, S_IFREG } from '../../base/stat.ts';
import type { Sys } from '../../base/sys.ts';
import {
  AT,
  EOF_QUIET,
  EXT,
  GETATTR_BASIC,
  GETATTR_BODY,
  GETATTR_BTIME,
  QTDIR,
  RLERROR,
  T,
} from '../../p9-client/index.ts';

/**
 * Of a qid path and a version: larger than what V8 holds as a small integer, as those of real file systems are. Code that was compiled for small numbers is thrown away at
 * the first large one; the other way round it is not.
 */
const WIDE = 0x90000000;

/**
 * Objects have numbers here, which their names make: the first two letters, and for what is in a folder below the root those of the folder above them. What begins with `d` is a folder, with `f` or
 * `n` a file; nothing else is there.
 */
const ROOT = 1;
/** The qid path of the root. */
export const ROOT_PATH = WIDE + ROOT;

const LETTER_A = 0x61;
const FOLDER = 'd';
const DOTS = ['.', '..'];
const TAILS = ['', '.c', '-list.ts', '_of_names.json'];

const name = (first: string, i: number): string =>
  `${first}${String.fromCharCode(LETTER_A + i)}${TAILS[i & 3]}`;

/** Names of the folders in the root, and of what is in each of those: as many as in a folder of source code. */
export const FOLDERS: readonly string[] = Array.from({ length: 13 }, (_, i) => name(FOLDER, i));
export const FILES: readonly string[] = Array.from({ length: 12 }, (_, i) => name('f', i));
const SUBFOLDER = name(FOLDER, 25);
const IN_ROOT = [...DOTS, ...FOLDERS];
const IN_FOLDER = [...DOTS, SUBFOLDER, ...FILES];

/** Where entries of a folder lie: wide, as ext4's, which are hashes of the names. */
const FIRST_LO = WIDE;
const OFFSET_HI = WIDE >>> 4;
export const END_OF_FOLDER = { lo: FIRST_LO + IN_FOLDER.length - 1, hi: OFFSET_HI };

const FILE_SIZE = 100;
/** One file is too large to come along with its open. */
const LARGE_SIZE = 1 << 20;
const LARGE = 1;
/** Seconds. */
const LONG_AGO = 1_700_000_000;
const NSEC = 123_456_789;
const ROOM = 1 << 17;
/** Of the replies of so many turns, those of one come in two pieces. */
const TORN = 16;
/** Bytes of the second piece: less than any reply has. Of what is longer than `LONG`, more. */
const PIECE = 5;
const LONG = 8192;
const LONG_PIECE = 6000;

/** A server of a few folders that do not exist, at the far end of a rehearsal's wire. It answers what it is asked, in order, and nothing ever changes. */
export class MakeBelieve {
  private readonly sys: Sys;
  private readonly fd: number;
  private readonly input: Mem;
  private readonly out: Mem;
  private end = 0;
  private sent = 0;
  private turns = 0;
  private readonly fids = new Map<number, number>([[0, ROOT]]);

  /** `fd`: the end of a stream socket pair, non-blocking. */
  constructor(sys: Sys, fd: number) {
    this.sys = sys;
    this.fd = fd;
    this.input = sys.alloc(ROOM);
    this.out = sys.alloc(ROOM);
  }

  /** As after a new connection. */
  forget(): void {
    this.fids.clear();
    this.fids.set(0, ROOT);
  }

  /** Answers all that has come, or sends what it kept back. False: there was nothing to send. */
  turn(): boolean {
    if (this.sent < this.end) return this.send(this.end);
    const n = this.sys.recv(this.fd, this.input, 0, ROOM);
    if (n <= 0) return false;
    this.sent = 0;
    this.end = 0;
    const { dv } = this.input;
    for (let p = 0; p < n; p += dv.getUint32(p, true)) this.answer(dv, p);
    if (this.end === 0) return false;
    return this.send(this.end - this.keptBack());
  }

  /** A stream knows no messages: now and then the last one comes in two pieces. */
  private keptBack(): number {
    if (++this.turns % TORN !== 0 && this.end < LONG) return 0;
    return this.end < LONG ? PIECE : LONG_PIECE;
  }

  private send(to: number): boolean {
    const { sent } = this;
    this.sent = to;
    return this.sys.send(this.fd, this.out, sent, to - sent) > 0;
  }

  private answer(dv: DataView, p: number): void {
    let type = dv.getUint8(p + 4) + 1;
    const fid = dv.getUint32(p + 7, true);
    const out = this.out.dv;
    const start = this.end;
    const b = start + 7;
    let end = b;
    const path = this.fids.get(fid) ?? ROOT;
    switch (type - 1) {
      case T.walk: {
        const names = dv.getUint16(p + 15, true);
        let to = path;
        let at = p + 17;
        out.setUint16(b, names, true);
        end = b + 2;
        for (let i = 0; i < names; i++) {
          to = childOf(to, dv.getUint16(at + 2, false));
          at += 2 + dv.getUint16(at, true);
          qid(out, end, to);
          end += 13;
        }
        this.fids.set(dv.getUint32(p + 11, true), to);
        break;
      }
      case T.lcreate:
        this.fids.set(fid, childOf(path, dv.getUint16(p + 13, false)));
        qid(out, b, childOf(path, dv.getUint16(p + 13, false)));
        out.setUint32(b + 13, 0, true);
        end = b + 17;
        break;
      case T.lopen:
        qid(out, b, path);
        out.setUint32(b + 13, 0, true);
        end = b + 17;
        break;
      case T.getattr:
        end = attr(out, b, path);
        break;
      case EXT.lookup:
        if (isThere(dv.getUint8(p + 13))) end = attr(out, b, childOf(path, dv.getUint16(p + 13, false)));
        else {
          type = RLERROR;
          out.setUint32(b, ENOENT, true);
          end = b + 4;
        }
        break;
      case EXT.readdirplus:
        end = entries(out, b + 5, path);
        out.setUint8(b, 1 | EOF_QUIET);
        out.setUint32(b + 1, end - b - 5, true);
        break;
      case T.read:
        end = b + 4 + Math.min(sizeOf(path), dv.getUint32(p + 19, true));
        out.setUint32(b, end - b - 4, true);
        break;
      case T.write:
        out.setUint32(b, dv.getUint32(p + 19, true), true);
        end = b + 4;
        break;
      case EXT.changes:
        return;
      default:
        break;
    }
    out.setUint32(start, end - start, true);
    out.setUint8(start + 4, type);
    out.setUint16(start + 5, dv.getUint16(p + 5, true), true);
    this.end = end;
  }
}

/** `d`, `f`, `n`. */
const isThere = (letter: number): boolean => letter === 0x64 || letter === 0x66 || letter === 0x6e;

function childOf(folder: number, letters: number): number {
  return folder === ROOT ? letters : folder * 65536 + letters;
}

/** `d`, in the upper of the last two letters. */
function isFolder(path: number): boolean {
  return path === ROOT || ((path >>> 8) & 0xff) === 0x64;
}

function sizeOf(path: number): number {
  return (path & 0xff) === LETTER_A + LARGE ? LARGE_SIZE : FILE_SIZE;
}

function qid(out: DataView, p: number, path: number): void {
  out.setUint8(p, isFolder(path) ? QTDIR : 0);
  out.setUint32(p + 1, WIDE + (path & 0xffff), true);
  out.setUint32(p + 5, WIDE + path, true);
  out.setUint32(p + 9, 0, true);
}

function attr(out: DataView, p: number, path: number): number {
  for (let i = 0; i < GETATTR_BODY; i++) out.setUint8(p + i, 0);
  out.setUint32(p + AT.valid, GETATTR_BASIC | GETATTR_BTIME, true);
  qid(out, p + AT.qidType, path);
  out.setUint32(p + AT.mode, isFolder(path) ? S_IFDIR | 0o755 : S_IFREG | 0o644, true);
  // Some files have another name elsewhere.
  out.setUint32(p + AT.nlink, (path & 15) === 1 ? 2 : 1, true);
  out.setUint32(p + AT.size, sizeOf(path), true);
  out.setUint32(p + AT.blksize, 4096, true);
  out.setUint32(p + AT.mtimeSec, LONG_AGO, true);
  out.setUint32(p + AT.mtimeNsec, NSEC, true);
  out.setUint32(p + AT.btimeSec, LONG_AGO, true);
  out.setUint32(p + AT.btimeNsec, NSEC, true);
  return p + GETATTR_BODY;
}

/** What is in a folder. Returns the end of the entries. */
function entries(out: DataView, p: number, folder: number): number {
  const names = folder === ROOT ? IN_ROOT : IN_FOLDER;
  for (let i = 0; i < names.length; i++) {
    const text = names[i] as string;
    const path =
      text.charCodeAt(0) === 0x2e ? folder : childOf(folder, text.charCodeAt(0) * 256 + text.charCodeAt(1));
    p = attr(out, p, path);
    out.setUint32(p, FIRST_LO + i, true);
    out.setUint32(p + 4, OFFSET_HI, true);
    out.setUint16(p + 8, text.length, true);
    p += 10;
    for (let k = 0; k < text.length; k++) out.setUint8(p + k, text.charCodeAt(k));
    p += text.length;
  }
  return p;
}
