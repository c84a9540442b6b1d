// SPDX-License-Identifier: MIT

import { randomBytes } from 'node:crypto';
import {
  type BigIntStats,
  closeSync,
  constants,
  fchmodSync,
  fchownSync,
  fstatSync,
  fsyncSync,
  linkSync,
  openSync,
  readSync,
  realpathSync,
  renameSync,
  statSync,
  unlinkSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { openError } from './errors.ts';

const { O_RDONLY, O_RDWR, O_CREAT, O_EXCL, O_NOFOLLOW, O_NONBLOCK } = constants;

/** The original's place for what cannot stand beside its file. */
const TMP = '/tmp';

/** The file that is opened elsewhere, as it was when it was sent. */
export interface Original {
  /** Where it really is: a link is followed once, here, and the file behind it is the one that changes. */
  readonly path: string;
  readonly fd: number;
  readonly stat: BigIntStats;
}

/** Throws NinefoldError OPEN_FILE (exit 66). The caller closes `fd`. */
export function openOriginal(text: string): Original {
  try {
    const path = realpathSync(text);
    const fd = openSync(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
    const stat = fstatSync(fd, { bigint: true });
    if (stat.isFile()) return { path, fd, stat };
    closeSync(fd);
  } catch (error) {
    throw openError('OPEN_FILE', 'cannot open', text, error, 'name a file that you may read');
  }
  throw openError('OPEN_FILE', 'cannot open', text, 'it is no regular file', 'name a file');
}

/** A place for the reply: beside the original, so that it can take its place in one step; or, if nothing can be made there, in /tmp. */
export interface Reply {
  readonly path: string;
  readonly fd: number;
  readonly beside: boolean;
}

/** Mode 0600. Throws NinefoldError OPEN_FILE (exit 66). */
export function makeReply({ path }: Original): Reply {
  const made = (file: string): number => openSync(file, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW, 0o600);
  const tail = randomBytes(6).toString('hex');
  const beside = join(dirname(path), `.${basename(path).slice(0, 200)}.${tail}`);
  try {
    return { path: beside, fd: made(beside), beside: true };
  } catch {
    // A folder that may not be written to.
  }
  const elsewhere = `${TMP}/file_edited_in_dvm.${tail}`;
  try {
    return { path: elsewhere, fd: made(elsewhere), beside: false };
  } catch (error) {
    throw openError('OPEN_FILE', 'cannot keep the reply in', '/tmp', error, 'make room there');
  }
}

export function dropReply(reply: Reply): void {
  try {
    closeSync(reply.fd);
  } catch {
    // Closed already.
  }
  try {
    unlinkSync(reply.path);
  } catch {
    // It has become the file, or was never there.
  }
}

/** What became of a reply. `where`: of a reply that could not take the original's place. */
export type Taken =
  | { kind: 'same' }
  | { kind: 'replaced' }
  | { kind: 'read-only' | 'conflict'; where: string };

/**
 * Lets the reply, which is complete, take the original's place: in one step, on the disk, with the original's mode and owner. If the original has changed meanwhile both are
 * kept. Throws NinefoldError OPEN_FILE (exit 66); the original is as it was then.
 */
export function takeReply(original: Original, reply: Reply): Taken {
  if (sameContents(original.fd, reply.fd)) {
    dropReply(reply);
    return { kind: 'same' };
  }
  if (!reply.beside) return { kind: 'read-only', where: reply.path };
  try {
    fchmodSync(reply.fd, Number(original.stat.mode & 0o777n));
    try {
      fchownSync(reply.fd, Number(original.stat.uid), Number(original.stat.gid));
    } catch {
      // Only root can give a file to another, and then it stays ours.
    }
    fsyncSync(reply.fd);
    if (!unchanged(original)) return { kind: 'conflict', where: keepBeside(original, reply) };
    renameSync(reply.path, original.path);
    closeSync(reply.fd);
    syncFolder(dirname(original.path));
    return { kind: 'replaced' };
  } catch (error) {
    throw openError('OPEN_FILE', 'cannot replace', original.path, error, `the edited copy is ${reply.path}`);
  }
}

function unchanged({ path, stat }: Original): boolean {
  try {
    const now = statSync(path, { bigint: true });
    const keys = ['dev', 'ino', 'size', 'mtimeNs', 'ctimeNs'] as const;
    return keys.every((key) => now[key] === stat[key]);
  } catch {
    return false;
  }
}

/** Under a name of its own: `report.edited.odt`, `report.edited-2.odt` … */
function keepBeside(original: Original, reply: Reply): string {
  const name = basename(original.path);
  const dot = name.lastIndexOf('.');
  const [stem, suffix] = dot > 0 ? [name.slice(0, dot), name.slice(dot)] : [name, ''];
  for (let i = 1; i < 1000; i++) {
    const where = join(dirname(original.path), `${stem}.edited${i === 1 ? '' : `-${i}`}${suffix}`);
    try {
      linkSync(reply.path, where);
      dropReply(reply);
      return where;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') break;
    }
  }
  closeSync(reply.fd);
  return reply.path;
}

function syncFolder(path: string): void {
  const fd = openSync(path, O_RDONLY);
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}

function sameContents(a: number, b: number): boolean {
  if (fstatSync(a).size !== fstatSync(b).size) return false;
  const [x, y] = [Buffer.alloc(1 << 16), Buffer.alloc(1 << 16)];
  for (let at = 0; ; ) {
    const n = readSync(a, x, 0, x.length, at);
    let m = 0;
    while (m < n) {
      const got = readSync(b, y, m, n - m, at + m);
      if (got === 0) return false;
      m += got;
    }
    if (n === 0) return true;
    if (x.compare(y, 0, n, 0, n) !== 0) return false;
    at += n;
  }
}
