// SPDX-License-Identifier: MIT

import { EACCES } from '../base/errno.ts';
import type { Mem } from '../base/mem.ts';
import { StatBuf } from '../base/stat.ts';
import { O_CLOEXEC, O_NOFOLLOW, O_PATH, type Sys } from '../base/sys.ts';

/**
 * Folders inside the share that the client does not get: what was found under their paths at the start, whatever it is called later, by device and inode; and the way to each, one (folder, name) after the other. No
 * entry of a way can be made, moved, replaced or removed by the client, or the folder would lie under a path of which nobody said no. Where the way has changed since, or was not there at the start, it leads nowhere: what lies
 * there now was not there when the answer was given.
 */
export class Guard {
  readonly #sys: Sys;
  readonly #stat: StatBuf;
  /** What may not be reached. */
  readonly #kept = new Set<string>();
  /** For each name on a way, and each folder that has it there: what it may lead to; undefined: to nothing. */
  readonly #ways = new Map<string, Map<string, string | undefined>>();

  /** `paths`: below the root, without a leading slash, each component a name. */
  constructor(sys: Sys, rootFd: number, paths: readonly string[]) {
    this.#sys = sys;
    this.#stat = new StatBuf(sys.alloc(256));
    const name = sys.alloc(256);
    for (const path of paths) this.#keep(rootFd, path.split('/'), name);
  }

  #keep(rootFd: number, parts: readonly string[], name: Mem): void {
    const opened: number[] = [];
    let dir = rootFd;
    for (const [i, part] of parts.entries()) {
      const bytes = Buffer.from(part);
      const at = this.#id(dir);
      // Longer than any name: there is no such thing, and cannot be.
      if (at === undefined || bytes.length === 0 || bytes.length > 255) break;
      name.cstring(bytes);
      const fd = this.#sys.openat(dir, name, O_PATH | O_NOFOLLOW | O_CLOEXEC, 0);
      if (fd >= 0) opened.push(fd);
      const found = fd >= 0 && this.#sys.stat(fd, this.#stat) >= 0 ? idOf(this.#stat) : undefined;
      const last = i === parts.length - 1;
      const on = found !== undefined && !last && this.#stat.isDir;
      if (last && found !== undefined) this.#kept.add(found);
      this.#put(bytes.toString('latin1'), at, on ? found : undefined);
      if (!on) break;
      dir = fd;
    }
    for (const fd of opened) this.#sys.close(fd);
  }

  #put(name: string, dir: string, to: string | undefined): void {
    const here = this.#ways.get(name) ?? new Map<string, string | undefined>();
    this.#ways.set(name, here.set(dir, to));
  }

  /** 0 if the client may have what it has reached: `child` is the stat of what `name` (NUL-terminated; undefined for `..`) was in the folder `dir`. Else -EACCES. */
  reach(dir: number, name: Mem | undefined, child: StatBuf): number {
    const id = idOf(child);
    if (this.#kept.has(id)) return -EACCES;
    const here = name === undefined ? undefined : this.#ways.get(textOf(name));
    if (here === undefined) return 0;
    const at = this.#id(dir);
    if (at === undefined) return -EACCES;
    return !here.has(at) || here.get(at) === id ? 0 : -EACCES;
  }

  /** 0 if the client may change the entry `name` (NUL-terminated) of the folder `dir`, else -EACCES. */
  change(dir: number, name: Mem): number {
    const here = this.#ways.get(textOf(name));
    if (here === undefined) return 0;
    const at = this.#id(dir);
    return at === undefined || here.has(at) ? -EACCES : 0;
  }

  #id(fd: number): string | undefined {
    return this.#sys.stat(fd, this.#stat) < 0 ? undefined : idOf(this.#stat);
  }
}

const idOf = (s: StatBuf): string => `${s.devMajor}:${s.devMinor}:${s.inoHi}:${s.inoLo}`;

const textOf = (name: Mem): string =>
  Buffer.from(name.u8.buffer, name.u8.byteOffset, name.u8.indexOf(0)).toString('latin1');
