// SPDX-License-Identifier: MIT

import { spawnSync } from 'node:child_process';
import * as fs from 'node:fs';
import { join } from 'node:path';
import type { Sys } from '../../src/base/sys.ts';
import { Cannot, type Cap, type Caps, type Ctx } from './case.ts';
import { Kernel } from './kernel.ts';
import { Python } from './python.ts';

/** What one case is given; `end` undoes everything and removes its folder. */
export class Context implements Ctx {
  readonly dir: string;
  readonly caps: Caps;
  readonly k: Kernel;
  readonly python = new Python();
  private readonly second: string | undefined;
  private readonly undo: (() => void)[] = [];

  /** `second`: `dir` as a second client sees it. */
  constructor(sys: Sys, dir: string, caps: Caps, second?: string) {
    this.dir = dir;
    this.caps = caps;
    this.second = second;
    this.k = new Kernel(sys);
    fs.mkdirSync(dir, 0o755);
  }

  at(...names: string[]): string {
    return join(this.dir, ...names);
  }

  there(...names: string[]): string {
    if (this.second === undefined) throw new Cannot('no second client of this folder is known');
    return join(this.second, ...names);
  }

  file(name: string, content: string | Uint8Array = '', mode = 0o644): string {
    const path = this.at(name);
    fs.writeFileSync(path, content);
    if (mode !== 0o644) fs.chmodSync(path, mode);
    return path;
  }

  folder(name: string, mode = 0o755): string {
    fs.mkdirSync(this.at(name));
    if (mode !== 0o755) fs.chmodSync(this.at(name), mode);
    return this.at(name);
  }

  need(...caps: Cap[]): void {
    for (const cap of caps) {
      const has = this.caps[cap];
      if (has !== true) throw new Cannot(has);
    }
  }

  as<T>(uid: number, gid: number, groups: readonly number[], fn: () => T): T {
    this.need('root');
    const { sys } = this.k;
    const failed = sys.setFsIdentity(uid, gid, groups);
    if (failed < 0) throw new Error(`cannot act as ${uid}: errno ${-failed}`);
    try {
      return fn();
    } finally {
      sys.setFsIdentity(0, 0, []);
    }
  }

  after(fn: () => void): void {
    this.undo.push(fn);
  }

  async end(): Promise<void> {
    await this.python.endAll();
    for (const fn of this.undo.reverse()) fn();
    removeTree(this.dir);
  }
}

/** rm(1), because names of any bytes, deep paths and folders without permissions are what the cases leave behind. */
function removeTree(dir: string): void {
  if (spawnSync('rm', ['-rf', '--', dir]).status === 0) return;
  spawnSync('chmod', ['-R', 'u+rwx', '--', dir]);
  const again = spawnSync('rm', ['-rf', '--', dir], { encoding: 'utf8' });
  if (again.status !== 0) throw new Error(`cannot remove ${dir}: ${again.stderr.split('\n')[0]}`);
}
