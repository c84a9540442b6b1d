// SPDX-License-Identifier: MIT

import {
  closeSync,
  fchmodSync,
  fchownSync,
  fsyncSync,
  linkSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs';
import { dirname } from 'node:path';
import { isShared } from './owned.ts';

/**
 * What the store does to files, one method a step that can be cut short by a crash. Tests put one in its place that ends the process at a chosen
 * step. All throw Node's errors.
 */
export interface StoreFiles {
  /** undefined when there is no such file. */
  read(path: string): string | undefined;
  /** A new file in the place of a left-over one, with all of its bytes on the disk. `like`: a file whose owner and mode it gets, if that exists. */
  write(path: string, text: string, like: string): void;
  rename(from: string, to: string): void;
  /** A second name for a file; one that is there already goes first. */
  link(from: string, to: string): void;
  /** fsync of a folder: renames in it are on the disk. */
  syncFolder(path: string): void;
}

/** A file that is in nobody's way: the person's alone, unless one that was there before says otherwise. */
const MODE = 0o600;

export const storeFiles: StoreFiles = {
  read(path) {
    try {
      return readFileSync(path, 'utf8');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
      throw error;
    }
  },
  write(path, text, like) {
    rmSync(path, { force: true });
    const old = statSync(like, { throwIfNoEntry: false });
    const fd = openSync(path, 'wx', MODE);
    try {
      const bytes = Buffer.from(text);
      for (let at = 0; at < bytes.length; ) at += writeSync(fd, bytes, at);
      if (old !== undefined) {
        if (process.geteuid?.() === 0) fchownSync(fd, old.uid, old.gid);
        fchmodSync(fd, old.mode & 0o777);
      } else if (isShared(dirname(path))) fchmodSync(fd, 0o660);
      fsyncSync(fd);
    } finally {
      closeSync(fd);
    }
  },
  rename: renameSync,
  link(from, to) {
    rmSync(to, { force: true });
    linkSync(from, to);
  },
  syncFolder(path) {
    const fd = openSync(path, 'r');
    try {
      fsyncSync(fd);
    } finally {
      closeSync(fd);
    }
  },
};
