// SPDX-License-Identifier: MIT

import assert from 'node:assert/strict';
import { errnoName } from '../../src/base/errno.ts';
import type { Kernel } from './kernel.ts';
import type { Python } from './python.ts';

/** What a target may or may not be able to carry. */
export type Cap =
  /** The cases run as root, so they can act as several users. */
  | 'root'
  /** `user.*` attributes. */
  | 'xattr'
  /** Attribute values of up to 64 KiB (ext4 holds about 4 KiB unless it was made with ea_inode). */
  | 'bigXattr'
  /** `trusted.*` attributes. */
  | 'trusted'
  | 'acl'
  /** Device nodes can be made. */
  | 'devices'
  /** Setuid and setgid bits are kept. */
  | 'suid'
  /** The kernel follows symlinks here. */
  | 'symfollow'
  /** renameat2(2) with RENAME_NOREPLACE and RENAME_EXCHANGE. */
  | 'renameFlags'
  /** lseek(2) with SEEK_DATA and SEEK_HOLE tells holes from data. */
  | 'holes'
  | 'fallocate'
  | 'tmpfile'
  | 'direct'
  /** statx(2) gives the time of birth. */
  | 'btime'
  /** Files of 2^40 bytes and more. */
  | 'bigFiles'
  /** A second client of the same folder: `ctx.there`. */
  | 'second';

/** `true`, or why not. */
export type Caps = Readonly<Record<Cap, true | string>>;

/** A case may throw this (through `need`): the target cannot carry it, and that is no failure. */
export class Cannot extends Error {}

export interface Ctx {
  /** A fresh, empty folder of this case alone, mode 0755, owned by whoever runs it. The umask is 022. */
  readonly dir: string;
  readonly caps: Caps;
  /** The calls that node:fs has not. */
  readonly k: Kernel;
  readonly python: Python;
  /** `dir/name`. */
  at(...names: string[]): string;
  /** The same name as a second client sees it, which has its own connection and caches: call `need('second')` before. */
  there(...names: string[]): string;
  /** Makes `dir/name` a file that holds `content`, and returns its path. */
  file(name: string, content?: string | Uint8Array, mode?: number): string;
  /** Makes the folder `dir/name` and returns its path. */
  folder(name: string, mode?: number): string;
  /** Ends the case as "cannot be carried" unless the target has all of these. */
  need(...caps: Cap[]): void;
  /** Runs `fn` with another user's file-system identity (only root can: call `need('root')` before). Only synchronous calls. */
  as<T>(uid: number, gid: number, groups: readonly number[], fn: () => T): T;
  /** Undone in reverse order after the case. */
  after(fn: () => void): void;
}

export type Case = (c: Ctx) => void | Promise<void>;
export type Cases = Readonly<Record<string, Case>>;

/** Two users and a group that no system gives to anybody. */
export const ALICE = 64_101;
export const BOB = 64_102;
export const TEAM = 64_200;

/** `'ENOENT'`; also for errors that libuv has no name for, such as ESTALE. */
export function codeOf(error: unknown): string | undefined {
  const { code, errno } = error as { code?: unknown; errno?: unknown };
  return typeof errno === 'number' && errno < 0 ? errnoName(errno) : (code as string | undefined);
}

/** Asserts that `fn` fails with one of these codes (`'ENOENT'`). */
export function fails(codes: string | readonly string[], fn: () => unknown): void {
  const wanted = typeof codes === 'string' ? [codes] : codes;
  let result: unknown;
  try {
    result = fn();
  } catch (error) {
    const code = codeOf(error);
    if (error instanceof Cannot || error instanceof assert.AssertionError || typeof code !== 'string')
      throw error;
    assert.ok(wanted.includes(code), `failed with ${code} instead of ${wanted.join(' or ')}`);
    return;
  }
  assert.fail(`succeeded (${String(result)}) instead of failing with ${wanted.join(' or ')}`);
}
