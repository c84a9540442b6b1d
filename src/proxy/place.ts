// SPDX-License-Identifier: MIT

import type { Mem, Span } from '../base/mem.ts';
import type { PathSys } from '../base/path-sys.ts';
import {
  O_DIRECTORY,
  O_PATH,
  RESOLVE_IN_ROOT,
  RESOLVE_NO_MAGICLINKS,
  RESOLVE_NO_SYMLINKS,
} from '../base/sys.ts';
import { cleanPath, PATH_MAX } from './paths.ts';

/** For every openat2(2): the folder it starts from is the root of the world, and no link of any kind is a way. */
export const RESOLVE = RESOLVE_IN_ROOT | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS;

/** The export, and how one gets about in it. */
export interface Export {
  /** Its root. */
  readonly fd: number;
  /**
   * A tree in which the kernel follows no symlink and which has nothing above its root: paths are handed to it whole. Else the folder that holds
   * the object is walked to by openat2(2), and the kernel gets one last component.
   */
  readonly sealed: boolean;
}

/** Where an object of one request is: a folder and a path below it, for the calls whose names end in `at`. Two are made, and used again and again. */
export class Place {
  dir = -1;
  name: Mem;
  private readonly sys: PathSys;
  private readonly root: Export;
  private readonly path: Mem;
  private readonly short: Mem;

  constructor(sys: PathSys, root: Export) {
    this.sys = sys;
    this.root = root;
    this.path = sys.alloc(PATH_MAX);
    this.short = sys.alloc(PATH_MAX);
    this.name = this.path;
  }

  /** Finds the object that `path` names, whether it exists or not: 0, then call `leave` afterwards; or -errno, and nothing is to be left. */
  find(path: Span): number {
    const { root } = this;
    const last = cleanPath(path, this.path);
    if (last < 0) return last;
    if (root.sealed || last === 0) {
      this.dir = root.fd;
      this.name = this.path;
      return 0;
    }
    const { u8 } = this.path;
    let n = 0;
    for (let c = u8[last] as number; c !== 0; c = u8[last + ++n] as number) this.short.u8[n] = c;
    this.short.u8[n] = 0;
    u8[last - 1] = 0;
    const dir = this.sys.openat2(root.fd, this.path, O_PATH | O_DIRECTORY, 0, RESOLVE);
    if (dir < 0) return dir;
    this.dir = dir;
    this.name = this.short;
    return 0;
  }

  leave(): void {
    if (this.dir !== this.root.fd) this.sys.close(this.dir);
    this.dir = -1;
  }
}
