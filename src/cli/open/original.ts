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
import { printable } from '../../base/error.ts';
import type { PathArgument } from '../copy/raw-paths.ts';
import { openError } from './errors.ts';
import { besideOf, bytesOf, cutName, folderOf, nameOf, textOf } from './paths.ts';

const { O_RDONLY, O_RDWR, O_CREAT, O_EXCL, O_NOFOLLOW, O_NONBLOCK } = constants;

/** The original's place for what cannot stand beside its file. */
const TMP = '/tmp';
/** Of the original's name in that of its reply: eCryptfs takes names of 143 bytes. */
const NAME_KEPT = 110;
const NAME_MAX = 255;
/** A longer one is no suffix that tells what opens the file. */
const SUFFIX_MAX = 32;

/** The file that is opened elsewhere, as it was when it was sent. */
export interface Original {
  /** As the person calls it, which is what is sent: a link's own name may have the suffix that its file lacks. */
  readonly name: Buffer;
  /** Where it really is: a link is followed once, here, and the file behind it is the one that changes. */
  readonly path: Buffer;
  readonly fd: number;
  readonly stat: BigIntStats;
}

/** `name`: of a front end of ours, which has resolved the path. Throws NinefoldError OPEN_FILE (exit 66). The caller closes `fd`. */
export function openOriginal(given: PathArgument, name = nameOf(given)): Original {
  const text = textOf(given);
  try {
    const path = realpathSync.native(bytesOf(given), { encoding: 'buffer' });
    const fd = openSync(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
    const stat = fstatSync(fd, { bigint: true });
    if (stat.isFile()) return { name, path, fd, stat };
    closeSync(fd);
  } catch (error) {
    throw openError('OPEN_FILE', 'cannot open', text, error, 'name a file that you may read');
  }
  throw openError('OPEN_FILE', 'cannot open', text, 'it is no regular file', 'name a file');
}

/** A place for the reply: beside the original, so that it can take its place in one step; or, if nothing can be made there, in /tmp. */
export interface Reply {
  readonly path: Buffer;
  readonly fd: number;
  readonly beside: boolean;
}

/** Mode 0600. Throws NinefoldError OPEN_FILE (exit 66). */
export function makeReply({ path }: Original): Reply {
  const made = (file: Buffer): number => openSync(file, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW, 0o600);
  const tail = randomBytes(6).toString('hex');
  const name = Buffer.concat([Buffer.from('.'), cutName(nameOf(path), NAME_KEPT), Buffer.from(`.${tail}`)]);
  const beside = besideOf(path, name);
  try {
    return { path: beside, fd: made(beside), beside: true };
  } catch {
    // A folder that may not be written to.
  }
  const elsewhere = Buffer.from(`${TMP}/file_edited_in_dvm.${tail}`);
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

/** What became of a reply. `where`: of a reply that could not take the original's place, or was not let. */
export type Taken =
  | { kind: 'same' }
  | { kind: 'replaced' }
  | { kind: 'read-only' | 'conflict' | 'unsure'; where: string };

/**
 * Lets the reply, which is complete, take the original's place: in one step, on the disk, with the original's mode and owner. If the original has changed meanwhile both are
 * kept; so they are with `sure` false, when nobody knows that the reply is complete. Throws NinefoldError OPEN_FILE (exit 66); the original is as it was then, and the reply where the message
 * says: it is not the caller's to drop.
 */
export function takeReply(original: Original, reply: Reply, sure = true): Taken {
  try {
    if (sameContents(original.fd, reply.fd)) {
      dropReply(reply);
      return { kind: 'same' };
    }
    if (!reply.beside) return { kind: sure ? 'read-only' : 'unsure', where: textOf(reply.path) };
    likeOriginal(original, reply);
    fsyncSync(reply.fd);
    if (!sure || !unchanged(original))
      return { kind: sure ? 'conflict' : 'unsure', where: textOf(keepBeside(original, reply)) };
    renameSync(reply.path, original.path);
  } catch (error) {
    throw openError(
      'OPEN_FILE',
      'cannot replace',
      textOf(original.path),
      error,
      `the edited copy is ${printable(textOf(reply.path))}`,
    );
  }
  closeSync(reply.fd);
  syncFolder(folderOf(original.path));
  return { kind: 'replaced' };
}

/** Mode and owner, where that can be. On a mount where everything is another's (vfat, cifs) neither can be set, and a file is replaced as well. */
function likeOriginal({ stat }: Original, { fd }: Reply): void {
  try {
    fchmodSync(fd, Number(stat.mode & 0o777n));
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code !== 'EPERM' && code !== 'ENOTSUP') throw error;
  }
  try {
    fchownSync(fd, Number(stat.uid), Number(stat.gid));
  } catch {
    // Only root can give a file to another, and then it stays ours.
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
function keepBeside({ path }: Original, reply: Reply): Buffer {
  const name = nameOf(path);
  const dot = name.lastIndexOf('.');
  const cut = dot > 0 && name.length - dot <= SUFFIX_MAX ? dot : name.length;
  const suffix = name.subarray(cut);
  for (let i = 1; i < 1000; i++) {
    const mark = Buffer.from(`.edited${i === 1 ? '' : `-${i}`}`);
    const stem = cutName(name.subarray(0, cut), NAME_MAX - mark.length - suffix.length);
    const where = besideOf(path, Buffer.concat([stem, mark, suffix]));
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

/** The new file is there, whatever comes of this: a folder that may be written to but not read cannot be opened. */
function syncFolder(path: Buffer): void {
  try {
    const fd = openSync(path, O_RDONLY);
    try {
      fsyncSync(fd);
    } finally {
      closeSync(fd);
    }
  } catch {
    // It is on the disk a little later.
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
