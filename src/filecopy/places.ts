// SPDX-License-Identifier: MIT

import type { Mem } from '../base/mem.ts';
import {
  O_DIRECTORY,
  O_NOFOLLOW,
  O_PATH,
  RESOLVE_BENEATH,
  RESOLVE_NO_MAGICLINKS,
  RESOLVE_NO_SYMLINKS,
  type Sys,
} from '../base/sys.ts';
import { MAX_PATH_LENGTH } from '../qfile/index.ts';

const SLASH = 0x2f;
const BENEATH = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS;
const FOLDER = O_PATH | O_DIRECTORY | O_NOFOLLOW;

/**
 * Where the present item belongs: its name in two parts, and its folder, opened below the incoming folder without following a link. Anew for each
 * item: a folder that was moved out of the incoming folder meanwhile is not found any more, and one that a link has replaced is refused.
 */
export class Places {
  /** The last component. */
  readonly leaf: Mem;
  /** All before it, or empty. */
  private readonly dir: Mem;
  private dirLength = -1;
  private leafLength = 0;
  private readonly part: Mem;
  private culpritFrom = 0;
  private culpritTo = -1;
  private readonly sys: Sys;
  private readonly rootFd: number;

  constructor(sys: Sys, rootFd: number) {
    this.sys = sys;
    this.rootFd = rootFd;
    this.leaf = sys.alloc(MAX_PATH_LENGTH + 1);
    this.dir = sys.alloc(MAX_PATH_LENGTH + 1);
    this.part = sys.alloc(MAX_PATH_LENGTH + 1);
  }

  /** Takes over the name `bytes[from … to)`, checked or not. */
  set(bytes: Uint8Array, from: number, to: number): void {
    let cut = to;
    while (cut > from && bytes[cut - 1] !== SLASH) cut--;
    const dir = this.dir.u8;
    const leaf = this.leaf.u8;
    const dirLength = Math.max(0, cut - 1 - from);
    for (let i = 0; i < dirLength; i++) dir[i] = bytes[from + i] as number;
    dir[dirLength] = 0;
    const leafLength = to - cut;
    for (let i = 0; i < leafLength; i++) leaf[i] = bytes[cut + i] as number;
    leaf[leafLength] = 0;
    this.dirLength = cut === from ? -1 : dirLength;
    this.leafLength = leafLength;
    this.culpritTo = -1;
  }

  /** The whole name. */
  copy(): Uint8Array {
    const { dirLength, leafLength } = this;
    if (dirLength < 0) return this.leaf.u8.slice(0, leafLength);
    const name = new Uint8Array(dirLength + 1 + leafLength);
    name.set(this.dir.u8.subarray(0, dirLength));
    name[dirLength] = SLASH;
    name.set(this.leaf.u8.subarray(0, leafLength), dirLength + 1);
    return name;
  }

  /** What a failure is about: the component of the way that could not be opened, or the whole name. */
  culprit(): Uint8Array {
    return this.culpritTo < 0 ? this.copy() : this.dir.u8.slice(this.culpritFrom, this.culpritTo);
  }

  /** An O_PATH descriptor of the folder that the item belongs in, or -errno (-ENOENT, -ENOTDIR for a link or file in the way). */
  openParent(): number {
    if (this.dirLength < 0) return this.rootFd;
    const r = this.sys.openat2(this.rootFd, this.dir, FOLDER, 0, BENEATH);
    // A kernel without the call, a way of over 4,095 bytes, or a failure whose place must be found.
    return r >= 0 ? r : this.walk();
  }

  closeParent(fd: number): void {
    if (fd !== this.rootFd) this.sys.close(fd);
  }

  private walk(): number {
    const { sys, dirLength } = this;
    let fd = this.rootFd;
    for (let from = 0; from < dirLength; ) {
      let to = from;
      while (to < dirLength && this.dir.u8[to] !== SLASH) to++;
      this.part.u8.set(this.dir.u8.subarray(from, to));
      this.part.u8[to - from] = 0;
      const next = sys.openat(fd, this.part, FOLDER, 0);
      this.closeParent(fd);
      if (next < 0) {
        this.culpritFrom = from;
        this.culpritTo = to;
        return next;
      }
      fd = next;
      from = to + 1;
    }
    return fd;
  }
}
