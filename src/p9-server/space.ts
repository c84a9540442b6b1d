// SPDX-License-Identifier: MIT

import type { Mem } from '../base/mem.ts';
import { StatBuf } from '../base/stat.ts';
import type { Sys } from '../base/sys.ts';
import type { OpenFile } from './open-file.ts';

/** What may be used up unasked, of what is spare: so little that as many connections as one listener may have (10,000) stay within it all together. */
const SHARES = 16_384;
/** For so long at the most: others fill the disk, too. Milliseconds. */
const GOOD_FOR_MS = 1000;
/** What an entry takes at the most where it has no block yet: one for the folder, one for the object. */
const ENTRY = 8192;
/** f_type of file systems where a file that grows takes its blocks at once (include/uapi/linux/magic.h; HFS, HFS+: fs/hfs, fs/hfsplus), and of FUSE, which may be any. */
const WITHOUT_HOLES = new Set([0x4d44, 0x2011bab0, 0x4244, 0x482b, 0x65735546]);

/** Keeps some of each file system of the share free: what uses it up asks here first. */
export class Space {
  private readonly sys: Sys;
  private readonly keepFree: number;
  private readonly stat: StatBuf;
  private readonly scratch: Mem;
  /** By file system: how many bytes are allowed unasked, and until when. */
  private readonly allowed = new Map<number, { bytes: number; until: number }>();
  /** f_type of the file system that was asked last. */
  private kind = 0;

  /** `keepFree` 0: everything may be used up, and nothing is ever asked. */
  constructor(sys: Sys, keepFree: number) {
    this.sys = sys;
    this.keepFree = keepFree;
    this.stat = new StatBuf(sys.alloc(256));
    this.scratch = sys.alloc(256);
  }

  /** Whether `bytes` may be written to an open file. */
  forData(file: OpenFile, bytes: number): boolean {
    if (this.keepFree === 0) return true;
    if (file.device < 0) file.device = this.deviceOf(file.fd);
    return this.has(file.fd, file.device, bytes);
  }

  /** Whether an entry may be made in a folder, or an attribute of so many bytes given to an object. */
  forEntry(fd: number, bytes = 0): boolean {
    return this.keepFree === 0 || this.has(fd, this.deviceOf(fd), ENTRY + bytes);
  }

  /** Whether a file may get so many bytes longer without any being written. A hole takes nothing; where there are none, the bytes count. */
  forGrowth(fd: number, bytes: number): boolean {
    if (this.keepFree === 0 || bytes <= 0) return true;
    const spare = this.ask(fd);
    return !WITHOUT_HOLES.has(this.kind) || spare >= bytes;
  }

  private has(fd: number, device: number, bytes: number): boolean {
    const now = performance.now();
    const allowed = this.allowed.get(device);
    if (allowed !== undefined && allowed.bytes >= bytes && now < allowed.until) {
      allowed.bytes -= bytes;
      return true;
    }
    const spare = this.ask(fd);
    if (spare < bytes) {
      this.allowed.delete(device);
      return false;
    }
    this.allowed.set(device, { bytes: Math.floor((spare - bytes) / SHARES), until: now + GOOD_FOR_MS });
    return true;
  }

  /** Bytes that may still be used up; without end on a file system that does not say. */
  private ask(fd: number): number {
    if (this.sys.statfs(fd, this.scratch) < 0) return Number.POSITIVE_INFINITY;
    const { dv } = this.scratch;
    this.kind = dv.getUint32(0, true);
    const bsize = dv.getUint32(8, true);
    const bavail = dv.getUint32(36, true) * 4294967296 + dv.getUint32(32, true);
    return bsize * bavail - this.keepFree;
  }

  private deviceOf(fd: number): number {
    return this.sys.stat(fd, this.stat) < 0 ? -1 : this.stat.devMajor * 0x100000 + this.stat.devMinor;
  }
}
