// SPDX-License-Identifier: MIT

import { ENAMETOOLONG, ENOENT } from '../base/errno.ts';
import { S_IFLNK } from '../base/stat.ts';
import { O_NOFOLLOW, O_PATH, type Sys } from '../base/sys.ts';
import { checkName, checkTarget, MAX_PATH_LENGTH, type PathRules } from '../qfile/index.ts';
import { type Visitor, Walk } from './walk.ts';

const SLASH = 0x2f;

/** What a receiver would refuse: its name, or (a link) where it leads. */
export interface Complaint {
  readonly path: Uint8Array;
  readonly about: 'name' | 'target';
  /** EILSEQ: a character that only a receiver takes which allows all names. ENOLINK: leads out. ENAMETOOLONG. */
  readonly error: number;
}

export interface CheckOptions {
  readonly sys: Sys;
  readonly ignoreSymlinks: boolean;
  readonly rules: PathRules;
  /** As in `SendOptions`: names and targets are judged as they will be sent. */
  readonly rename?: (path: Uint8Array) => Uint8Array;
  readonly complain: (complaint: Complaint) => void;
}

/** A walk before the transfer: how much there is, and what of it will be refused. Reads no file. */
export class Check implements Visitor {
  files = 0;
  folders = 0;
  links = 0;
  specials = 0;
  /** Of files and link targets. */
  bytes = 0;
  private readonly options: CheckOptions;
  private readonly walk: Walk;
  private readonly target;

  constructor(options: CheckOptions) {
    this.options = options;
    this.walk = new Walk(options.sys, this);
    this.target = options.sys.alloc(MAX_PATH_LENGTH);
  }

  /** One argument. 0, or the errno of what cannot be looked at (`at` says what). */
  argument(parentFd: number, name: Uint8Array): number {
    return 0 - this.walk.argument(parentFd, name);
  }

  /** Where the walk is, or ended. */
  get at(): Uint8Array {
    return this.walk.path.slice(0, this.walk.length);
  }

  enter(): number {
    this.folders++;
    this.judgeName();
    return 0;
  }

  leave(): number {
    return 0;
  }

  special(): number {
    this.specials++;
    return 0;
  }

  vanished(): number {
    return 0;
  }

  entry(walk: Walk, dirFd: number, type: number): number {
    if (type === S_IFLNK) return this.link(walk, dirFd);
    const r = walk.sys.statat(dirFd, walk.name, walk.stat);
    if (r === -ENOENT) return 0;
    if (r < 0) return r;
    this.files++;
    this.bytes += walk.stat.size;
    this.judgeName();
    return 0;
  }

  private link(walk: Walk, dirFd: number): number {
    const { sys, ignoreSymlinks, rename, complain } = this.options;
    if (ignoreSymlinks) return 0;
    const fd = sys.openat(dirFd, walk.name, O_PATH | O_NOFOLLOW, 0);
    if (fd < 0) return fd === -ENOENT ? 0 : fd;
    const length = sys.readlinkFd(fd, this.target, 0, MAX_PATH_LENGTH - 1);
    sys.close(fd);
    if (length < 0) return length;
    this.links++;
    this.bytes += length;
    const depth = this.judgeName();
    const raw = this.target.u8.subarray(0, length);
    const target = rename === undefined ? raw : rename(raw);
    const bad = this.judgeTarget(target, depth);
    if (bad !== 0) complain({ path: this.at, about: 'target', error: bad });
    return 0;
  }

  /** The errno for a target of a link whose name `judgeName` has judged. What every receiver refuses comes before what one takes that allows all names. */
  private judgeTarget(target: Uint8Array, depth: number): number {
    if (depth === -ENAMETOOLONG) return 0;
    const { rules } = this.options;
    const levels = depth >= 0 ? depth : this.levels();
    const anywhere = checkTarget(target, 0, target.length, levels, { ...rules, unsafeCharacters: true });
    // Where the name's characters are refused, that has been told already.
    const here = depth >= 0 ? checkTarget(target, 0, target.length, levels, rules) : 0;
    return -(anywhere || here);
  }

  /** The number of components of the path, whatever is in them. */
  private levels(): number {
    let n = 1;
    for (const byte of this.walk.path.subarray(0, this.walk.length)) if (byte === SLASH) n++;
    return n;
  }

  /** The number of components, or the negative error that was complained about. */
  private judgeName(): number {
    const { rules, rename, complain } = this.options;
    const plain = this.walk.path.subarray(0, this.walk.length);
    const name = rename === undefined ? plain : rename(plain);
    const error = name.length >= MAX_PATH_LENGTH || tooLong(name) ? ENAMETOOLONG : 0;
    const depth = error === 0 ? checkName(name, 0, name.length, rules) : -error;
    if (depth < 0) complain({ path: this.at, about: 'name', error: -depth });
    return depth;
  }
}

/** Only the last component: those above have been judged. */
function tooLong(name: Uint8Array): boolean {
  return name.length - 1 - name.lastIndexOf(SLASH) > 255;
}
