// SPDX-License-Identifier: MIT

import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import * as fs from 'node:fs';
import { errnoName } from '../../src/base/errno.ts';
import { AT_REMOVEDIR, UTIME_OMIT } from '../../src/base/sys.ts';
import { openSys } from '../../src/linux/index.ts';
import { Kernel } from '../conformance/kernel.ts';
import { bytes } from './rng.ts';
import type { Step } from './steps.ts';

/** Times before this were set by a step; a time behind it is of now, and differs from world to world. Seconds. */
const SET_BEFORE = 1_000_000_000;
const OMIT = { sec: 0, nsec: UTIME_OMIT };
/** More of a file is compared by its head and tail alone. Bytes. */
const WHOLE = 8 << 20;
const PYTHON = fs.existsSync('/usr/bin/python3') ? '/usr/bin/python3' : 'python3';
const MAP = `
import sys, os, mmap, hashlib, errno
path, at, size, write = os.fsencode(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), sys.stdin.buffer.read()
try:
    fd = os.open(path, os.O_RDWR | os.O_NOFOLLOW); end = os.fstat(fd).st_size
    if end == 0 or end > 1 << 24: print('no map'); sys.exit()
    m = mmap.mmap(fd, 0); at %= end; size = min(size, end - at)
    if write: m[at:at + size] = write[:size]; m.flush()
    print(end, hashlib.sha256(m[at:at + size]).hexdigest())
except OSError as e: print(errno.errorcode[e.errno])
`;

/** Not to be done: its file is not open here. */
export const SKIPPED = 'not open';

/** A folder that steps are done to: through one or more clients, each with a path of its own. Results are text, the same text for the same behaviour. */
export class World {
  readonly roots: readonly Buffer[];
  private readonly k = new Kernel(openSys());
  private readonly files = new Map<number, number>();

  private readonly readsOnce: boolean;

  /** `readsOnce`: see `Quirks`. */
  constructor(roots: readonly string[], readsOnce = false) {
    this.roots = roots.map((r) => Buffer.from(r));
    this.readsOnce = readsOnce;
  }

  do(step: Step): string {
    try {
      return this.work(step);
    } catch (error) {
      const { errno } = error as { errno?: number };
      if (typeof errno === 'number') return errnoName(errno);
      throw error;
    }
  }

  closeAll(): void {
    for (const fd of this.files.values()) fs.closeSync(fd);
    this.files.clear();
  }

  private path(step: Step, path: string): Buffer {
    const root = this.roots[(step.client ?? 0) % this.roots.length] as Buffer;
    return path === '' ? root : Buffer.concat([root, Buffer.from(`/${path}`, 'latin1')]);
  }

  private work(step: Step): string {
    if ('h' in step && step.do !== 'open') return this.onHandle(step);
    if (step.do === 'copy') return this.copy(step);
    if (!('path' in step)) return 'ok';
    const p = this.path(step, step.path);
    const { k } = this;
    switch (step.do) {
      case 'open': {
        const fd = k.open(p, step.flags, step.mode);
        this.files.set(step.h, fd);
        return 'ok';
      }
      case 'mkdir':
        fs.mkdirSync(p, step.mode);
        return 'ok';
      case 'rmdir':
        k.unlink(p, AT_REMOVEDIR);
        return 'ok';
      case 'unlink':
        k.unlink(p, 0);
        return 'ok';
      case 'rename':
        fs.renameSync(p, this.path(step, step.to));
        return 'ok';
      case 'link':
        fs.linkSync(p, this.path(step, step.to));
        return 'ok';
      case 'symlink':
        fs.symlinkSync(Buffer.from(step.to, 'latin1'), p);
        return 'ok';
      case 'mknod':
        k.mknod(p, step.mode);
        return 'ok';
      case 'chmod':
        if (fs.lstatSync(p).isSymbolicLink()) return 'a symlink';
        fs.chmodSync(p, step.mode);
        return 'ok';
      case 'utimes':
        k.utimens(p, OMIT, { sec: step.sec, nsec: step.nsec });
        return 'ok';
      case 'stat':
        return told(fs.lstatSync(p, { bigint: true }));
      case 'readlink':
        return fs.readlinkSync(p, 'latin1' as 'buffer').toString('latin1');
      case 'list':
        return listed(p);
      case 'listxattr':
        return k.listxattr(p).sort().join(' ');
      case 'setxattr':
        k.setxattr(p, latin1(step.name), bytes(step.seed, step.size), step.flags);
        return 'ok';
      case 'getxattr':
        return digest(k.getxattr(p, latin1(step.name)));
      case 'removexattr':
        k.removexattr(p, latin1(step.name));
        return 'ok';
      case 'truncate':
        if (fs.lstatSync(p).isSymbolicLink()) return 'a symlink';
        fs.truncateSync(p, step.size);
        return 'ok';
      case 'readAll':
        return content(p);
      case 'removeTree':
        return removeTree(p);
      case 'mapRead':
      case 'mapWrite': {
        const input = step.do === 'mapWrite' ? bytes(step.seed, step.size) : Buffer.alloc(0);
        // Node gives arguments as UTF-8: the path goes by a descriptor's name instead.
        const fd = k.open(p, 0o10000000 | 0o400000);
        try {
          if (!fs.fstatSync(fd).isFile()) return 'no file';
          const args = [
            '-S',
            '-E',
            '-c',
            MAP.replace(' | os.O_NOFOLLOW', ''),
            '/proc/self/fd/3',
            `${step.at}`,
            `${step.size}`,
          ];
          const done = spawnSync(PYTHON, args, {
            input,
            encoding: 'utf8',
            stdio: ['pipe', 'pipe', 'pipe', fd],
          });
          if (done.status !== 0)
            throw new Error(`the map helper ended with ${done.signal ?? done.status}: ${done.stderr}`);
          return done.stdout.trim();
        } finally {
          k.close(fd);
        }
      }
    }
  }

  private onHandle(step: Extract<Step, { h: number }>): string {
    const fd = this.files.get(step.h);
    if (fd === undefined) return SKIPPED;
    const { k } = this;
    switch (step.do) {
      case 'close':
        this.files.delete(step.h);
        fs.closeSync(fd);
        return 'ok';
      case 'pread':
        return digest(
          this.readOn(Math.min(step.size, 1 << 20), (done, left) => k.pread(fd, left, step.at + done)),
        );
      case 'pwrite':
        return `${fs.writeSync(fd, bytes(step.seed, step.size), 0, step.size, step.at)}`;
      case 'read': {
        const b = Buffer.alloc(step.size);
        const part = (done: number, left: number): Buffer =>
          b.subarray(done, done + fs.readSync(fd, b, done, left, null));
        return digest(this.readOn(step.size, part));
      }
      case 'write':
        return `${fs.writeSync(fd, bytes(step.seed, step.size))}`;
      case 'fstat':
        return told(fs.fstatSync(fd, { bigint: true }));
      case 'fsync':
        fs.fsyncSync(fd);
        return 'ok';
      case 'fdatasync':
        fs.fdatasyncSync(fd);
        return 'ok';
      case 'ftruncate':
        fs.ftruncateSync(fd, step.size);
        return 'ok';
      case 'fchmod':
        fs.fchmodSync(fd, step.mode);
        return 'ok';
      case 'futimes':
        k.futimens(fd, OMIT, { sec: step.sec, nsec: step.nsec });
        return 'ok';
      case 'open':
        return SKIPPED;
    }
  }

  /** What one read gives, or, where that is no promise, as many as it takes. `part`: reads, after what is here, so many bytes. */
  private readOn(size: number, part: (done: number, left: number) => Buffer): Buffer {
    const parts = [part(0, size)];
    let done = parts[0]?.length ?? 0;
    while (this.readsOnce && done < size) {
      const more = Buffer.from(part(done, size - done));
      if (more.length === 0) break;
      parts.push(more);
      done += more.length;
    }
    return parts.length === 1 ? (parts[0] as Buffer) : Buffer.concat(parts);
  }

  private copy(step: Extract<Step, { do: 'copy' }>): string {
    const [from, to] = [this.files.get(step.from), this.files.get(step.to)];
    if (from === undefined || to === undefined) return SKIPPED;
    let done = 0;
    while (done < step.size) {
      const n = this.k.copyRange(from, step.at + done, to, (step.seed % 100_000) + done, step.size - done);
      if (n === 0) break;
      done += n;
    }
    return `${done}`;
  }
}

const latin1 = (s: string): Buffer => Buffer.from(s, 'latin1');

export function digest(b: Uint8Array): string {
  return `${b.byteLength} ${createHash('sha256').update(b).digest('hex').slice(0, 16)}`;
}

/** What stat(2) tells that is the same in every world. */
export function told(s: fs.BigIntStats): string {
  const mtime = s.mtimeNs < BigInt(SET_BEFORE) * 1_000_000_000n ? `${s.mtimeNs}` : 'now';
  const size = s.isDirectory() ? '' : ` size ${s.size}`;
  return `mode ${s.mode.toString(8)} links ${s.nlink} owner ${s.uid}:${s.gid} mtime ${mtime}${size}`;
}

function listed(p: Buffer): string {
  return fs
    .readdirSync(p, { encoding: 'buffer' })
    .map((n) => JSON.stringify(n.toString('latin1')))
    .sort()
    .join(' ');
}

export function content(p: Buffer): string {
  const fd = fs.openSync(p, fs.constants.O_RDONLY | fs.constants.O_NOFOLLOW | fs.constants.O_NONBLOCK);
  try {
    const s = fs.fstatSync(fd);
    if (!s.isFile()) return 'no file';
    if (s.size <= WHOLE) return digest(fs.readFileSync(fd));
    const b = Buffer.alloc(1 << 20);
    const piece = (at: number): string => {
      let done = 0;
      for (let n = 1; n > 0 && done < b.length; done += n)
        n = fs.readSync(fd, b, done, b.length - done, at + done);
      return digest(b.subarray(0, done));
    };
    return `${s.size}: ${piece(0)} … ${piece(s.size - b.length)}`;
  } finally {
    fs.closeSync(fd);
  }
}

function removeTree(p: Buffer): string {
  const remove = (path: Buffer): void => {
    const s = fs.lstatSync(path);
    if (!s.isDirectory()) return fs.unlinkSync(path);
    for (const name of fs.readdirSync(path, { encoding: 'buffer' }))
      remove(Buffer.concat([path, Buffer.from('/'), name]));
    fs.rmdirSync(path);
  };
  remove(p);
  return 'ok';
}
