// SPDX-License-Identifier: MIT

import { ENOENT } from '../base/errno.ts';
import { S_IFMT, S_IFREG } from '../base/stat.ts';
import type { Sys } from '../base/sys.ts';
import type { Answer } from '../qfile/index.ts';
import type { Sender } from './send.ts';
import { pathKey, type SendEnd } from './send-types.ts';
import { type Visitor, Walk } from './walk.ts';

/** Questions under way at one time: all of them fit into the sender's buffer, however long their names are. */
const WINDOW = 32;

interface Mine {
  readonly key: string;
  /** As it goes over. */
  readonly name: Uint8Array;
  readonly mode: number;
  readonly size: number;
  readonly mtime: number;
  readonly mtimeNsec: number;
}

/** A name that the receiver has already, or the beginning of one. */
export interface Conflict {
  /** See `pathKey`. */
  readonly key: string;
  readonly name: Uint8Array;
  readonly mode: number;
  readonly size: number;
  readonly theirs: Answer;
  /** Both are regular files of one length and time: in all likelihood the same. */
  readonly same: boolean;
}

/** A walk before the transfer that asks the receiver about every file and link. After a greeting (`Sender.negotiate`) only. */
export class Survey implements Visitor {
  readonly conflicts: Conflict[] = [];
  private readonly sender: Sender;
  private readonly rename: ((path: Uint8Array) => Uint8Array) | undefined;
  private readonly walk: Walk;
  private waiting: Mine[] = [];
  private ended: SendEnd | undefined;

  constructor(sys: Sys, sender: Sender, rename: ((path: Uint8Array) => Uint8Array) | undefined) {
    this.sender = sender;
    this.rename = rename;
    this.walk = new Walk(sys, this);
  }

  /** undefined: go on. */
  argument(parentFd: number, name: Uint8Array): SendEnd | undefined {
    const r = this.walk.argument(parentFd, name);
    if (r === 0) return this.ask();
    return this.ended ?? { kind: 'unreadable', errno: -r, path: this.walk.path.slice(0, this.walk.length) };
  }

  enter(): number {
    return 0;
  }
  leave(): number {
    return 0;
  }
  special(): number {
    return 0;
  }
  vanished(): number {
    return 0;
  }

  entry(walk: Walk, dirFd: number): number {
    const r = walk.sys.statat(dirFd, walk.name, walk.stat);
    if (r < 0) return r === -ENOENT ? 0 : r;
    const { stat } = walk;
    const path = walk.path.slice(0, walk.length);
    this.waiting.push({
      key: pathKey(path, path.length),
      name: this.rename === undefined ? path : this.rename(path),
      mode: stat.mode,
      size: stat.size,
      mtime: stat.mtimeSecLo,
      mtimeNsec: stat.mtimeNsec,
    });
    if (this.waiting.length < WINDOW) return 0;
    this.ended = this.ask();
    return this.ended === undefined ? 0 : 1;
  }

  private ask(): SendEnd | undefined {
    const { waiting, sender } = this;
    this.waiting = [];
    for (const mine of waiting) {
      const end = sender.ask(mine.name, mine.mode);
      if (end !== undefined) return end;
    }
    const answers = waiting.length === 0 ? [] : sender.answers(waiting.length);
    if (!Array.isArray(answers)) return answers;
    waiting.forEach((mine, i) => {
      const theirs = answers[i];
      if (theirs === undefined || theirs.state === 'free') return;
      this.conflicts.push({ ...mine, theirs, same: theirs.state === 'taken' && isSame(mine, theirs) });
    });
    return undefined;
  }
}

function isSame(mine: Mine, theirs: Answer): boolean {
  const files = (mine.mode & S_IFMT) === S_IFREG && (theirs.mode & S_IFMT) === S_IFREG;
  return (
    files && mine.size === theirs.size && mine.mtime === theirs.mtime && mine.mtimeNsec === theirs.mtimeNsec
  );
}
