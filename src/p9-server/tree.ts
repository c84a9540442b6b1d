// SPDX-License-Identifier: MIT

import { EBADF, EINVAL, EIO, EISDIR, EMFILE, ENOENT, ENOTDIR, EOPNOTSUPP, EROFS } from '../base/errno.ts';
import { Span } from '../base/mem.ts';
import { S_IFDIR, S_IFLNK, S_IFREG } from '../base/stat.ts';
import { O_ACCMODE, O_RDONLY, O_WRONLY } from '../base/sys.ts';
import { yieldToNode } from '../base/turns.ts';
import type { Writer } from '../p9/coder.ts';
import {
  GETATTR_BASIC,
  MAXWELEM,
  NOFID,
  QTDIR,
  QTFILE,
  QTSYMLINK,
  RREAD_HEADER,
  SETATTR_SIZE,
} from '../p9/constants.ts';
import { DIRENT_FIXED, putDirentHead } from '../p9/dirent.ts';
import { T } from '../p9/messages.ts';
import { type Msg, Qid } from '../p9/msg.ts';
import { type Backend, DEFERRED, type Wire } from './backend.ts';
import type { Maybe, TreeFolder, TreeObject } from './tree-object.ts';

export type { TreeCommon, TreeFile, TreeFolder, TreeLink, TreeObject } from './tree-object.ts';

interface TreeFid {
  object: TreeObject;
  open: boolean;
  /** What it was opened for. */
  canRead: boolean;
  canWrite: boolean;
  /** Entries of an open folder, encoded when it was first read. */
  entries: { name: Uint8Array; object: TreeObject }[] | undefined;
}

/** Fids of one connection. */
const MAX_FIDS = 65_536;

const newFid = (object: TreeObject): TreeFid => ({
  object,
  open: false,
  canRead: false,
  canWrite: false,
  entries: undefined,
});

const utf8 = new TextEncoder();

/** What the client is told of a method that failed: the number of its error's `errno`, else EIO. */
function errnoOf(error: unknown): number {
  const errno = (error as { errno?: unknown } | undefined)?.errno;
  return -(typeof errno === 'number' && Number.isInteger(errno) && errno !== 0 ? Math.abs(errno) : EIO);
}

/**
 * A tree that a program makes, as a 9P backend. Methods may answer at once or with a promise; what they throw, and a rejected promise, is EIO to the client (or the number of
 * its `errno` property). Read-only but for files that have `write`.
 */
export class Tree implements Backend {
  /** Promises may overtake each other, so clients must not rely on order. */
  readonly ordered = false;
  readonly hearsOthers = false;
  private readonly root: TreeFolder;
  private readonly started = Date.now();
  private readonly fids = new Map<number, TreeFid>();
  private readonly inodes = new WeakMap<TreeObject, number>();
  private nextInode = 1;
  private msize = 0;
  private readonly span = new Span();
  private readonly qid = new Qid();

  constructor(root: TreeFolder) {
    this.root = root;
  }

  need(m: Msg, msize: number): number {
    this.msize = msize;
    const data = m.type === T.read || m.type === T.readdir;
    return data ? Math.min(m.count + RREAD_HEADER, msize) : 4352;
  }

  reset(): void {
    this.fids.clear();
  }

  handle(m: Msg, w: Writer, wire: Wire): number {
    try {
      return this.answer(m, w, wire);
    } catch (error) {
      // One method's fault ends neither the connection nor the program.
      return errnoOf(error);
    }
  }

  private answer(m: Msg, w: Writer, wire: Wire): number {
    if (m.type === T.attach) return this.attach(m, w);
    if (m.type === T.auth) return -EOPNOTSUPP;
    const fid = this.fids.get(m.fid);
    if (fid === undefined) return -EBADF;
    switch (m.type) {
      case T.walk:
        return this.walk(m, fid, w, wire);
      case T.clunk:
        this.fids.delete(m.fid);
        return 0;
      case T.remove:
        this.fids.delete(m.fid);
        return -EROFS;
      case T.getattr:
        return this.getattr(fid.object, w);
      case T.setattr:
        return this.setattr(m, fid.object, w, wire);
      case T.statfs:
        return this.statfs(w);
      case T.readlink:
        return this.readlink(fid.object, w);
      case T.lopen:
        return this.lopen(m, fid, w);
      case T.read:
        return this.read(m, fid, w, wire);
      case T.write:
        return this.write(m, fid, w, wire);
      case T.readdir:
        return this.readdir(m, fid, w, wire);
      case T.fsync:
        return fid.open ? 0 : -EBADF;
      case T.xattrwalk:
      case T.xattrcreate:
      case T.lock:
      case T.getlock:
        return -EOPNOTSUPP;
      default:
        return -EROFS;
    }
  }

  /** Answers now, or when the promise settles. */
  private settle<V>(
    value: Maybe<V>,
    w: Writer,
    wire: Wire,
    need: number,
    body: (v: V, w: Writer) => number,
  ): number {
    if (!(value instanceof Promise)) return body(value, w);
    const deferred = wire.defer();
    yieldToNode();
    value.then(
      (v) =>
        deferred.reply(need, (later) => {
          try {
            return body(v, later);
          } catch (error) {
            return errnoOf(error);
          }
        }),
      (error: unknown) => deferred.reply(64, () => errnoOf(error)),
    );
    return DEFERRED;
  }

  private inode(o: TreeObject): number {
    let n = this.inodes.get(o);
    if (n === undefined) {
      n = this.nextInode++;
      this.inodes.set(o, n);
    }
    return n;
  }

  private qidOf(o: TreeObject): Qid {
    const type = o.kind === 'folder' ? QTDIR : o.kind === 'link' ? QTSYMLINK : QTFILE;
    const mtime = Math.floor(o.mtimeMs ?? this.started);
    const size = o.kind === 'file' ? o.size : 0;
    const n = this.inode(o);
    this.qid.set(type, (Math.imul(mtime, 31) ^ size) >>> 0 || 1, n >>> 0, Math.floor(n / 4294967296));
    return this.qid;
  }

  private attach(m: Msg, w: Writer): number {
    if (m.afid !== NOFID || this.fids.has(m.fid)) return -EBADF;
    const aname = m.name2.text();
    if (aname !== '' && aname !== '/') return -ENOENT;
    const qid = this.qidOf(this.root);
    this.fids.set(m.fid, newFid(this.root));
    w.qid(qid);
    return 0;
  }

  private walk(m: Msg, fid: TreeFid, w: Writer, wire: Wire): number {
    const { newfid, nwname } = m;
    // `m` is another message's by the time a promise settles.
    const inPlace = newfid === m.fid;
    if (nwname > MAXWELEM || newfid === NOFID) return -EINVAL;
    if (!inPlace && this.fids.has(newfid)) return -EBADF;
    if (!inPlace && this.fids.size >= MAX_FIDS) return -EMFILE;
    if (inPlace && fid.open) return -EINVAL;
    const names = m.names.slice(0, nwname).map((s) => s.text());
    return this.settle(this.steps(fid.object, names), w, wire, 512, (reached, out) => {
      if (typeof reached === 'number') return reached;
      if (reached.length === names.length && !inPlace && this.fids.has(newfid)) return -EBADF;
      out.u16(reached.length);
      for (const o of reached) out.qid(this.qidOf(o));
      // Last: an object that fails when it is looked at becomes no fid.
      if (reached.length === names.length) this.fids.set(newfid, newFid(reached.at(-1) ?? fid.object));
      return 0;
    });
  }

  /** The objects reached one after the other (`..` is refused: a tree has no way up), or the errno of the first name. Stays synchronous as long as the tree does. */
  private steps(
    from: TreeObject,
    names: string[],
    trail: TreeObject[] = [],
    i = 0,
  ): Maybe<TreeObject[] | number> {
    let at = trail.at(-1) ?? from;
    for (; i < names.length; i++) {
      const name = names[i] as string;
      if (at.kind !== 'folder') return trail.length > 0 ? trail : -ENOTDIR;
      if (name === '' || name === '.' || name === '..' || name.includes('/') || name.includes('\0')) {
        return trail.length > 0 ? trail : -EINVAL;
      }
      const next = at.get(name);
      if (next instanceof Promise) {
        const resume = i;
        return next.then((o) => {
          if (o === undefined) return trail.length > 0 ? trail : -ENOENT;
          return this.steps(from, names, [...trail, o], resume + 1);
        });
      }
      if (next === undefined) return trail.length > 0 ? trail : -ENOENT;
      trail = [...trail, next];
      at = next;
    }
    return trail;
  }

  private getattr(o: TreeObject, w: Writer): number {
    const kind = o.kind === 'folder' ? S_IFDIR : o.kind === 'link' ? S_IFLNK : S_IFREG;
    const usual =
      o.kind === 'folder' ? 0o555 : o.kind === 'link' ? 0o777 : o.write !== undefined ? 0o644 : 0o444;
    const size = o.kind === 'file' ? o.size : o.kind === 'link' ? utf8.encode(o.target).length : 0;
    const ms = o.mtimeMs ?? this.started;
    const sec = Math.floor(ms / 1000);
    const nsec = Math.floor((ms - sec * 1000) * 1e6);
    w.u64(GETATTR_BASIC);
    w.qid(this.qidOf(o));
    w.u32(kind | ((o.mode ?? usual) & 0o777));
    w.u32(0);
    w.u32(0);
    for (const v of [o.kind === 'folder' ? 2 : 1, 0, size, 4096, Math.ceil(size / 512)]) w.u64(v);
    for (let i = 0; i < 3; i++) {
      w.u64(sec);
      w.u64(nsec);
    }
    for (let i = 0; i < 4; i++) w.u64(0);
    return 0;
  }

  private setattr(m: Msg, o: TreeObject, w: Writer, wire: Wire): number {
    if (Number(m.mask) !== SETATTR_SIZE && (Number(m.mask) & SETATTR_SIZE) === 0) return -EROFS;
    if (o.kind !== 'file' || o.resize === undefined) return -EROFS;
    return this.settle(o.resize(Number(m.attr.size)), w, wire, 64, () => 0);
  }

  private statfs(w: Writer): number {
    w.u32(0x01021997);
    w.u32(4096);
    for (let i = 0; i < 6; i++) w.u64(0);
    w.u32(255);
    return 0;
  }

  private readlink(o: TreeObject, w: Writer): number {
    if (o.kind !== 'link') return -EINVAL;
    const target = utf8.encode(o.target);
    this.span.set(target, 0, target.length);
    w.str(this.span);
    return 0;
  }

  private lopen(m: Msg, fid: TreeFid, w: Writer): number {
    if (fid.open) return -EINVAL;
    const o = fid.object;
    const access = m.flags & O_ACCMODE;
    if (o.kind === 'link' || access === O_ACCMODE) return -EINVAL;
    if (access !== O_RDONLY) {
      if (o.kind === 'folder') return -EISDIR;
      if (o.write === undefined) return -EROFS;
    }
    w.qid(this.qidOf(o));
    fid.open = true;
    fid.canRead = access !== O_WRONLY;
    fid.canWrite = access !== O_RDONLY;
    w.u32(0);
    return 0;
  }

  private read(m: Msg, fid: TreeFid, w: Writer, wire: Wire): number {
    const o = fid.object;
    if (!fid.open) return -EBADF;
    if (o.kind !== 'file') return -EISDIR;
    if (!fid.canRead) return -EBADF;
    const count = Math.min(m.count, this.msize - RREAD_HEADER);
    const data = o.read(Number(m.offset), count);
    return this.settle(data, w, wire, count + RREAD_HEADER, (bytes, out) => {
      this.span.set(bytes, 0, Math.min(bytes.length, count));
      out.data(this.span);
      return 0;
    });
  }

  private write(m: Msg, fid: TreeFid, w: Writer, wire: Wire): number {
    const o = fid.object;
    if (!fid.canWrite || o.kind !== 'file' || o.write === undefined) return -EBADF;
    return this.settle(o.write(Number(m.offset), m.data.copy()), w, wire, 64, (n, out) => {
      out.u32(n);
      return 0;
    });
  }

  private readdir(m: Msg, fid: TreeFid, w: Writer, wire: Wire): number {
    const o = fid.object;
    if (!fid.open) return -EBADF;
    if (o.kind !== 'folder') return -ENOTDIR;
    const count = Math.min(m.count, this.msize - RREAD_HEADER);
    const from = Number(m.offset);
    const ready = fid.entries !== undefined && from > 0 ? fid.entries : this.list(o);
    return this.settle(ready, w, wire, count + RREAD_HEADER, (entries, out) => {
      fid.entries = entries;
      return this.putEntries(entries, from, count, out);
    });
  }

  private async list(o: TreeFolder): Promise<{ name: Uint8Array; object: TreeObject }[]> {
    const entries = [
      { name: utf8.encode('.'), object: o as TreeObject },
      { name: utf8.encode('..'), object: o as TreeObject },
    ];
    for (const name of await o.names()) {
      const object = await o.get(name);
      const bytes = utf8.encode(name);
      if (object !== undefined && bytes.length > 0 && bytes.length <= 255)
        entries.push({ name: bytes, object });
    }
    return entries;
  }

  private putEntries(
    entries: { name: Uint8Array; object: TreeObject }[],
    from: number,
    count: number,
    w: Writer,
  ): number {
    const dv = new DataView(w.buf.buffer, w.buf.byteOffset, w.buf.byteLength);
    const start = w.pos;
    w.u32(0);
    const end = w.pos + count;
    for (let i = from; i < entries.length; i++) {
      const { name, object } = entries[i] as { name: Uint8Array; object: TreeObject };
      if (w.pos + DIRENT_FIXED + name.length > end) {
        if (w.pos === start + 4) return -EINVAL;
        break;
      }
      const q = this.qidOf(object);
      const type = object.kind === 'folder' ? 4 : object.kind === 'link' ? 10 : 8;
      w.buf.set(name, w.pos + DIRENT_FIXED);
      w.pos = putDirentHead(dv, w.pos, q.type, q.pathLo, q.pathHi, i + 1, 0, type, name.length);
    }
    w.patch32(start, w.pos - start - 4);
    return 0;
  }
}
