// SPDX-License-Identifier: MIT

import type { Sys } from '../../base/sys.ts';
import { Turns } from '../../base/turns.ts';
import type { WarmUp } from '../../base/warm-up.ts';
import { SOCK_STREAM } from '../../linux/net.ts';
import {
  Dirent,
  EXT,
  GETATTR_BASIC,
  Requests,
  ROOT_FID,
  RREAD_HEADER,
  readDirent,
  T,
  VERSION_EXT,
} from '../../p9-client/index.ts';
import { Connection, changesHere, Folder, type ServerOptions, Stats } from '../../p9-server/index.ts';
import { type Pair, type Rehearsed, warmUpOver } from '../warm-up.ts';

/** Milliseconds of rehearsing: until the optimizing compiler has been through what clients ask most. */
const TOTAL_MS = 150;
/** Bytes of entries of the shared folder that are asked for: some twenty. */
const LISTED = 4096;
const MSIZE = 65536;
const ROOM = 1 << 17;
const STATFS = 120;
const FID = ROOT_FID + 1;
const MISSING = '.gitignore';
/** So often in a round: each message does little, and V8 counts what is done. */
const WAYS = 4;
const WAITING = 9;

/**
 * A rehearsal of serving `rootFd`: a client of our own asks what clients ask, over a connection of its own. Looks alone, at the shared folder itself and the names in it, of which one is walked to: nothing else is opened, and nothing changed.
 *
 * It acts as the server does, never as a user: what identity the thread has is known to the real connection alone. So there is none where all requests act as one user (`squash`); and none on file
 * systems whose answers may take long (NFS, SMB, FUSE), because the real client would wait for them.
 */
export function serverWarmUp(sys: Sys, rootFd: number, options: ServerOptions): WarmUp | undefined {
  if (options.squash !== undefined || !changesHere(sys, rootFd, sys.alloc(STATFS))) return undefined;
  return warmUpOver(sys, [SOCK_STREAM], TOTAL_MS, (pairs) =>
    rehearsal(sys, rootFd, options, pairs[0] as Pair),
  );
}

/** Requests that are sent together. Written once: V8 would optimize the writing as well, which is not what has to be fast afterwards. */
interface Batch {
  readonly at: number;
  readonly bytes: number;
}

function rehearsal(sys: Sys, rootFd: number, options: ServerOptions, [near, far]: Pair): Rehearsed {
  const turns = new Turns(sys);
  const stats = new Stats();
  const backend = new Folder(sys, turns, rootFd, options, stats);
  let ended = false;
  const connect = (): Connection =>
    new Connection({
      sys,
      turns,
      readFd: far,
      writeFd: far,
      backend,
      stats,
      limits: options.limits,
      done: () => {
        ended = true;
      },
    });
  // V8 takes a field for a constant as long as nobody has changed it, and throws the code away that relies on that as soon as somebody does. So one connection goes through all that can happen to it before
  // anything is optimized: else the end of the rehearsal would be the end of its fruits.
  const first = connect();
  first.endWith({ fd: far, offset: 0, count: 0, ended: () => {} });
  first.end(true, 'it is the first');
  ended = false;
  const connection = connect();
  const req = new Requests(sys.alloc(ROOM));
  const replies = sys.alloc(ROOM);
  const batch = (...write: (() => void)[]): Batch => {
    const at = req.end;
    for (const one of write) one();
    return { at, bytes: req.end - at };
  };
  let answered = 0;
  /** Sends a batch, and takes all that is answered. */
  const exchange = ({ at, bytes }: Batch): boolean => {
    if (sys.send(near, req.mem, at, bytes) !== bytes) return false;
    turns.turnOnce(0);
    answered = sys.recv(near, replies, 0, ROOM);
    return answered > 0 && !ended;
  };
  const hello = batch(() => req.version(MSIZE, VERSION_EXT));
  // With one that waits for its answer, as there is always one in a mount's connection. Nothing is watched, so none will come.
  const attach = batch(
    () => req.attach(0, ROOT_FID, '', '', 0),
    () => req.changes(WAITING),
  );
  // As the mount goes through a tree: look a name up, find the folder, list it, open it.
  const looks = batch(
    () => req.lookup(0, ROOT_FID, MISSING),
    () => req.walk1(1, ROOT_FID, FID, MISSING),
    () => req.clone(2, ROOT_FID, FID),
    () => req.getattr(3, FID, GETATTR_BASIC),
    () => req.read(EXT.readdirplus, 4, FID, 0, 0, LISTED),
    () => req.clunk(5, FID),
  );
  const lists = batch(
    () => req.clone(0, ROOT_FID, FID),
    () => req.lopen(1, FID, 0),
    () => req.read(EXT.readdirplus, 2, FID, 0, 0, LISTED),
    () => req.clunk(3, FID),
  );
  // As a client of the plain protocol goes to a file.
  const names = batch(
    () => req.clone(0, ROOT_FID, FID),
    () => req.lopen(1, FID, 0),
    () => req.read(T.readdir, 2, FID, 0, 0, LISTED),
    () => req.clunk(3, FID),
  );
  let ways = looks;
  const begin = (): boolean => {
    if (!exchange(hello) || !exchange(attach) || !exchange(names)) return false;
    const name = firstName(replies.dv, answered);
    if (name === undefined) return true;
    const way: (() => void)[] = [
      () => req.walk1(0, ROOT_FID, FID, name),
      () => req.getattr(1, FID, GETATTR_BASIC),
      () => req.clunk(2, FID),
    ];
    ways = batch(...Array.from({ length: WAYS }, () => way).flat());
    return true;
  };
  return {
    play: (round) => (round > 0 || begin()) && exchange(looks) && exchange(ways) && exchange(lists),
    end: () => connection.end(true, 'the rehearsal is over'),
  };
}

/** The first name, `.` and `..` aside, in the Rreaddir that is among these replies. */
function firstName(dv: DataView, length: number): string | undefined {
  const entry = new Dirent();
  for (let p = 0, end = 0; p < length; p = end) {
    end = p + dv.getUint32(p, true);
    if (dv.getUint8(p + 4) !== T.readdir + 1) continue;
    for (let at = p + RREAD_HEADER; ; ) {
      at = readDirent(dv, at, end, entry);
      if (at < 0) break;
      const name = Buffer.from(dv.buffer, dv.byteOffset + entry.nameOff, entry.nameLen).toString('latin1');
      if (name !== '.' && name !== '..') return name;
    }
  }
  return undefined;
}
