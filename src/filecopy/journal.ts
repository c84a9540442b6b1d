// SPDX-License-Identifier: MIT

import { EEXIST, EIO, ELOOP, ENOENT, ENOTDIR, ENOTEMPTY } from '../base/errno.ts';
import { because, EXIT, NinefoldError, printable } from '../base/error.ts';
import type { Mem } from '../base/mem.ts';
import { S_IFDIR, S_IFMT, StatBuf } from '../base/stat.ts';
import { AT_FDCWD, AT_REMOVEDIR, O_CREAT, O_EXCL, O_RDWR, O_TMPFILE, type Sys } from '../base/sys.ts';
import { MAX_PATH_LENGTH } from '../qfile/index.ts';
import { Places } from './places.ts';
import type { Walk } from './walk.ts';

/**
 * A record: u32 length of the path @0, argument @4, mode @8, nlink @12, device @16 and @20, inode @24, size @32, mtime @40 (seconds, low half) and @44, ctime @48 and @52.
 */
const RECORD = 56;
const BUFFER = 1 << 16;
const CHANGED = 'it was changed or replaced since it was sent';

/**
 * What a transfer has sent, in its order, each with what it was at that moment. In a file without a name, so that a move of a million files needs no memory.
 * Folders stand behind all that is in them.
 */
export class Journal {
  private readonly sys: Sys;
  private readonly mem: Mem;
  private readonly fd: number;
  private used = 0;
  private written = 0;

  /** `dirs`: for temporary files; the first that is usable is used. Throws NinefoldError COPY_JOURNAL (exit 78) when none is. */
  constructor(sys: Sys, dirs: readonly string[] = temporaryFolders(process.env.TMPDIR)) {
    this.sys = sys;
    this.mem = sys.alloc(BUFFER);
    let fd = -ENOENT;
    for (const dir of dirs) if (fd < 0) fd = temporaryFile(sys, dir);
    if (fd < 0) throw journalError('make', `a temporary file in ${dirs.map(printable).join(', ')}`, fd);
    this.fd = fd;
  }

  /** Notes the object that the walk is at. */
  add(argument: number, walk: Walk): void {
    const { stat, length } = walk;
    if (this.used + RECORD + length > BUFFER) this.flush();
    const { dv, u8 } = this.mem;
    const at = this.used;
    dv.setUint32(at, length, true);
    dv.setUint32(at + 4, argument, true);
    dv.setUint32(at + 8, stat.mode, true);
    dv.setUint32(at + 12, stat.nlink, true);
    identity(stat, dv, at + 16);
    u8.set(walk.path.subarray(0, length), at + RECORD);
    this.used = at + RECORD + length;
  }

  /** Calls `each` for every record in order; `record` and `path` are valid during the call. */
  read(each: (argument: number, path: Uint8Array, record: DataView) => void): void {
    this.flush();
    let have = 0;
    let start = 0;
    for (let pos = 0; ; ) {
      const { u8, dv } = this.mem;
      const whole = have - start >= RECORD && have - start >= RECORD + dv.getUint32(start, true);
      if (!whole) {
        u8.copyWithin(0, start, have);
        have -= start;
        start = 0;
        const r = this.sys.pread(this.fd, this.mem, have, BUFFER - have, pos);
        if (r < 0) throw journalError('read', 'the list of what was sent', r);
        if (r === 0) return;
        pos += r;
        have += r;
        continue;
      }
      const length = dv.getUint32(start, true);
      const record = new DataView(u8.buffer, u8.byteOffset + start, RECORD);
      each(dv.getUint32(start + 4, true), u8.slice(start + RECORD, start + RECORD + length), record);
      start += RECORD + length;
    }
  }

  close(): void {
    this.sys.close(this.fd);
  }

  private flush(): void {
    for (let at = 0; at < this.used; ) {
      const r = this.sys.pwrite(this.fd, this.mem, at, this.used - at, this.written);
      if (r <= 0) throw journalError('keep', 'the list of what was sent', r === 0 ? EIO : r);
      at += r;
      this.written += r;
    }
    this.used = 0;
  }
}

/** An empty TMPDIR is none; and one that is gone, or somebody else's, is no reason to move nothing. */
export function temporaryFolders(tmpdir: string | undefined): string[] {
  return [...(tmpdir === undefined || tmpdir === '' ? [] : [tmpdir]), '/var/tmp', '/tmp'];
}

function temporaryFile(sys: Sys, dir: string): number {
  const name = `${dir}/.ninefold-${process.pid}-${Date.now()}`;
  const path = sys.alloc(Buffer.byteLength(name) + 1);
  path.cstring(dir);
  let fd = sys.openat(AT_FDCWD, path, O_TMPFILE | O_RDWR, 0o600);
  if (fd >= 0) return fd;
  path.cstring(name);
  fd = sys.openat(AT_FDCWD, path, O_RDWR | O_CREAT | O_EXCL, 0o600);
  if (fd >= 0) sys.unlinkat(AT_FDCWD, path, 0);
  return fd;
}

function journalError(what: string, on: string, r: number): NinefoldError {
  return new NinefoldError({
    code: 'COPY_JOURNAL',
    exit: EXIT.config,
    what: `cannot ${what}`,
    on,
    why: because(r),
    remedy: 'set TMPDIR to a folder with room that is yours to write, or copy instead of moving',
  });
}

function identity(stat: StatBuf, dv: DataView, at: number): void {
  dv.setUint32(at, stat.devMajor, true);
  dv.setUint32(at + 4, stat.devMinor, true);
  dv.setUint32(at + 8, stat.inoLo, true);
  dv.setUint32(at + 12, stat.inoHi, true);
  dv.setUint32(at + 16, stat.sizeLo, true);
  dv.setUint32(at + 20, stat.sizeHi, true);
  dv.setUint32(at + 24, stat.mtimeSecLo, true);
  dv.setUint32(at + 28, stat.mtimeNsec, true);
  dv.setUint32(at + 32, stat.ctimeSecLo, true);
  dv.setUint32(at + 36, stat.ctimeNsec, true);
}

/** What stayed; `failed`: of these, how many should have gone, as nothing but an error kept them. */
export interface Kept {
  readonly stayed: number;
  readonly failed: number;
}

/**
 * Removes what a journal lists, one name at a time, each only if it still is what was sent. `parents`: descriptors of the folders that the arguments were in.
 * `kept` is told what stays and why.
 */
export function removeSent(
  sys: Sys,
  journal: Journal,
  parents: readonly number[],
  kept: (path: Uint8Array, why: string) => void,
): Kept {
  const places = parents.map((fd) => new Places(sys, fd));
  const stat = new StatBuf(sys.alloc(256));
  const now = new DataView(new ArrayBuffer(40));
  let stayed = 0;
  let failed = 0;
  journal.read((argument, path, record) => {
    const place = places[argument];
    if (place === undefined || path.length > MAX_PATH_LENGTH) return;
    place.set(path, 0, path.length);
    const parent = place.openParent();
    const why = parent < 0 ? lost(parent) : remove(parent, place);
    if (parent >= 0) place.closeParent(parent);
    if (why === undefined) return;
    stayed++;
    kept(path, why);

    function error(r: number): string {
      failed++;
      return because(r);
    }

    /** Its folder is not to be reached. */
    function lost(r: number): string {
      return r === -ENOENT || r === -ENOTDIR || r === -ELOOP ? CHANGED : error(r);
    }

    function remove(dirFd: number, at: Places): string | undefined {
      const r = sys.statat(dirFd, at.leaf, stat);
      if (r === -ENOENT) return undefined;
      if (r < 0) return error(r);
      identity(stat, now, 0);
      const mode = record.getUint32(8, true);
      const folder = (mode & S_IFMT) === S_IFDIR;
      // A folder's times change with what was just removed from it, and a file with other names has lost one of them perhaps.
      const length = folder ? 16 : record.getUint32(12, true) > 1 ? 32 : 40;
      if ((stat.mode & S_IFMT) !== (mode & S_IFMT) || !same(now, record, length)) return CHANGED;
      const gone = sys.unlinkat(dirFd, at.leaf, folder ? AT_REMOVEDIR : 0);
      if (gone === 0) return undefined;
      return gone === -ENOTEMPTY || gone === -EEXIST ? 'it holds what was not sent' : error(gone);
    }
  });
  return { stayed, failed };
}

function same(now: DataView, record: DataView, length: number): boolean {
  for (let i = 0; i < length; i += 4)
    if (now.getUint32(i, true) !== record.getUint32(16 + i, true)) return false;
  return true;
}
