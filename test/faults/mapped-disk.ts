// SPDX-License-Identifier: MIT

import {
  closeSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  readFileSync,
  statfsSync,
  writeFileSync,
} from 'node:fs';
import { must, noLoop } from './loop-fs.ts';

const SECTOR = 512;
const MIB = 2 ** 20;

/** Why there is no device-mapper for us, or undefined. */
export function noMapper(): string | undefined {
  const why = noLoop();
  if (why !== undefined) return why;
  return / device-mapper$/m.test(readFileSync('/proc/misc', 'utf8'))
    ? undefined
    : 'this kernel has no device-mapper: test/guest/faults.test.ts runs this in a guest';
}

/** Part of a disk, in sectors of 512 bytes. `unwritable`: writes fail, reads do not. */
export interface Piece {
  readonly from: number;
  readonly count: number;
  readonly how: 'good' | 'dead' | 'unwritable';
}

/** An ext4 on a disk of which parts can be made to fail: a loop device below device-mapper. Without udev. */
export class MappedDisk {
  readonly dir: string;
  private readonly image: string;
  private readonly tableFile: string;
  private readonly name = `ninefold-${process.pid}`;
  private readonly sectors: number;
  private loop: string | undefined;
  private mapped = false;
  private mounted = false;

  /** `base`: an existing folder, for the image and the mount point. */
  constructor(base: string, megabytes: number) {
    this.image = `${base}/disk`;
    this.dir = `${base}/fs`;
    this.tableFile = `${base}/table`;
    this.sectors = (megabytes * MIB) / SECTOR;
    mkdirSync(this.dir, { recursive: true });
  }

  get device(): string {
    return `/dev/mapper/${this.name}`;
  }

  async make(): Promise<void> {
    const fd = openSync(this.image, 'w');
    ftruncateSync(fd, this.sectors * SECTOR);
    closeSync(fd);
    this.loop = (await must('losetup', '--find', '--show', this.image)).trim();
    this.describe([]);
    await this.dmsetup('create', this.name, this.tableFile);
    this.mapped = true;
    await must('mke2fs', '-t', 'ext4', '-q', '-F', '-m', '0', '-E', 'lazy_itable_init=1', this.device);
  }

  async mount(): Promise<void> {
    await must('mount', '-t', 'ext4', this.device, this.dir);
    this.mounted = true;
  }

  /** From now on these parts are as they say, and all others good. What is on its way is not waited for. */
  async become(...bad: Piece[]): Promise<void> {
    await this.dmsetup('suspend', '--nolockfs', '--noflush', this.name);
    this.describe(bad);
    await this.dmsetup('load', this.name, this.tableFile);
    await this.dmsetup('resume', this.name);
  }

  /** All of it. */
  whole(how: Piece['how']): Piece {
    return { from: 0, count: this.sectors, how };
  }

  async unmount(): Promise<void> {
    if (!this.mounted) return;
    await must('umount', this.dir);
    this.mounted = false;
  }

  /** Where `length` bytes of a file of this file system from `offset` on lie; both are multiples of its block size. `name`: below its root. */
  async piecesOf(name: string, offset: number, length: number): Promise<Piece[]> {
    const { bsize } = statfsSync(this.dir);
    const blocks = (await must('debugfs', '-R', `blocks /${name}`, this.device))
      .trim()
      .split(/\s+/)
      .map(Number);
    return blocks
      .slice(offset / bsize, (offset + length) / bsize)
      .sort((a, b) => a - b)
      .map((block) => ({ from: (block * bsize) / SECTOR, count: bsize / SECTOR, how: 'dead' }));
  }

  async end(): Promise<void> {
    if (this.mounted) await must('umount', '-l', this.dir).catch(() => undefined);
    if (this.mapped) await this.dmsetup('remove', '--retry', this.name);
    if (this.loop !== undefined) await must('losetup', '--detach', this.loop);
  }

  private dmsetup(command: string, ...args: string[]): Promise<string> {
    return must('env', 'DM_DISABLE_UDEV=1', 'dmsetup', command, ...args);
  }

  /** A line for each piece, bad or between two of them. */
  private describe(bad: readonly Piece[]): void {
    const lines: string[] = [];
    const add = (from: number, to: number, how: Piece['how']): void => {
      if (to <= from) return;
      // flakey with no time up: Documentation/admin-guide/device-mapper/dm-flakey.rst.
      const target = {
        good: `linear ${this.loop} ${from}`,
        dead: 'error',
        unwritable: `flakey ${this.loop} ${from} 0 1 1 error_writes`,
      }[how];
      lines.push(`${from} ${to - from} ${target}`);
    };
    let at = 0;
    for (const piece of bad) {
      add(at, piece.from, 'good');
      at = piece.from + piece.count;
      add(piece.from, at, piece.how);
    }
    add(at, this.sectors, 'good');
    writeFileSync(this.tableFile, `${lines.join('\n')}\n`);
  }
}
