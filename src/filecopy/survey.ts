// SPDX-License-Identifier: MIT

import { ENOENT } from '../base/errno.ts';
import { S_IFDIR, S_IFLNK, S_IFMT, S_IFREG } from '../base/stat.ts';
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
  /** Here it is a folder, and there something else, or the other way round: neither can take the other's place. */
  readonly unlike: boolean;
}

export interface SurveyOptions {
  readonly ignoreSymlinks: boolean;
  readonly rename?: (path: Uint8Array) => Uint8Array;
}

/** A walk before the transfer that asks the receiver about everything that will be sent; two folders are no conflict. After a greeting (`Sender.negotiate`) only. */
export class Survey implements Visitor {
  readonly conflicts: Conflict[] = [];
  private readonly sender: Sender;
  private readonly options: SurveyOptions;
  private readonly walk: Walk;
  private waiting: Mine[] = [];
  private ended: SendEnd | undefined;

  constructor(sys: Sys, sender: Sender, options: SurveyOptions) {
    this.sender = sender;
    this.options = options;
    this.walk = new Walk(sys, this);
  }

  /** undefined: go on. */
  argument(parentFd: number, name: Uint8Array): SendEnd | undefined {
    const r = this.walk.argument(parentFd, name);
    if (r === 0) return this.ask();
    return this.ended ?? { kind: 'unreadable', errno: -r, path: this.walk.path.slice(0, this.walk.length) };
  }

  enter(walk: Walk): number {
    return this.add(walk);
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

  entry(walk: Walk, dirFd: number, type: number): number {
    if (type === S_IFLNK && this.options.ignoreSymlinks) return 0;
    const r = walk.sys.statat(dirFd, walk.name, walk.stat);
    if (r < 0) return r === -ENOENT ? 0 : r;
    return this.add(walk);
  }

  private add(walk: Walk): number {
    const { stat } = walk;
    const path = walk.path.slice(0, walk.length);
    this.waiting.push({
      key: pathKey(path, path.length),
      name: this.options.rename?.(path) ?? path,
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
      const taken = theirs.state === 'taken';
      if (isFolder(mine) && (!taken || isFolder(theirs))) return;
      const unlike = taken && isFolder(mine) !== isFolder(theirs);
      this.conflicts.push({ ...mine, theirs, same: taken && isSame(mine, theirs), unlike });
    });
    return undefined;
  }
}

const isFolder = ({ mode }: { readonly mode: number }): boolean => (mode & S_IFMT) === S_IFDIR;

/** All names of a transfer, as they go over, in folders in which some are in conflict: none of them can be another's new one. Keys as of `pathKey`. */
export function namesBeside(
  sys: Sys,
  args: readonly { parentFd: number; name: Uint8Array }[],
  conflicts: readonly Conflict[],
  rename: ((path: Uint8Array) => Uint8Array) | undefined,
): Set<string> {
  const folders = new Set(conflicts.map(({ name }) => folderOf(pathKey(name, name.length))));
  const names = new Set<string>();
  const note = ({ path, length }: Walk): number => {
    const name = rename?.(path.subarray(0, length)) ?? path.subarray(0, length);
    const key = pathKey(name, name.length);
    if (folders.has(folderOf(key))) names.add(key);
    return 0;
  };
  const pass = (): number => 0;
  const walk = new Walk(sys, { enter: note, entry: note, leave: pass, special: pass, vanished: pass });
  // What cannot be read ends the transfer itself.
  for (const { parentFd, name } of args) walk.argument(parentFd, name);
  return names;
}

const folderOf = (key: string): string => key.slice(0, key.lastIndexOf('/') + 1);

function isSame(mine: Mine, theirs: Answer): boolean {
  const files = (mine.mode & S_IFMT) === S_IFREG && (theirs.mode & S_IFMT) === S_IFREG;
  return (
    files && mine.size === theirs.size && mine.mtime === theirs.mtime && mine.mtimeNsec === theirs.mtimeNsec
  );
}
