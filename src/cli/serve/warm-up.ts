// SPDX-License-Identifier: MIT

import { O_CLOEXEC, O_DIRECTORY, O_NOFOLLOW, O_PATH, type Sys } from '../../base/sys.ts';
import { Turns } from '../../base/turns.ts';
import type { WarmUp } from '../../base/warm-up.ts';
import { cstring } from '../../linux/memory.ts';
import { SOCK_STREAM } from '../../linux/net.ts';
import {
  Dirent,
  EXT,
  GETATTR_BASIC,
  QTDIR,
  Requests,
  ROOT_FID,
  RREAD_HEADER,
  readDirent,
  T,
  VERSION_EXT,
} from '../../p9-client/index.ts';
import { Connection, changesHere, Folder, type ServerOptions, Stats } from '../../p9-server/index.ts';
import { type Pair, type Rehearsed, warmUpOver } from '../warm-up.ts';
import { STAND_INS, StandIns } from './stand-ins.ts';

/** Milliseconds of rehearsing: until the optimizing compiler has been through what clients ask most. With 150 the first 300 creates and 1,000 walk + getattr + clunk on a fresh server cost 33 and 30 ms of CPU, with 200 28 and 26, with 300 26 and 25. */
const TOTAL_MS = 250;
/** Bytes of entries of the shared folder that are asked for: some twenty. */
const LISTED = 4096;
const MSIZE = 65536;
const ROOM = 1 << 17;
const STATFS = 120;
const FID = ROOT_FID + 1;
const MISSING = '.gitignore';
/** Bytes of one read or write. */
const PIECE = 4096;
/** So many folders are looked into at the most, for a path of two names. */
const FOLDERS = 4;
/** So often in a round: each message does little, and V8 counts what is done. */
const WAYS = 4;
const WAITING = 9;

/**
 * A rehearsal of serving `rootFd`: a client of our own asks what clients ask, over a connection of its own. Looks alone, at the shared folder itself, the names in it and those in a few folders among them, of which two are walked to: nothing else is opened, and nothing changed. Reads and writes go to other files (stand-ins.ts).
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
  /** What is in a folder. */
  const list = (path: readonly string[]): Entry[] => {
    const asked = batch(
      () => req.walk(0, ROOT_FID, FID, path),
      () => req.lopen(1, FID, 0),
      () => req.read(T.readdir, 2, FID, 0, 0, LISTED),
      () => req.clunk(3, FID),
    );
    return exchange(asked) ? entriesIn(replies.dv, answered) : [];
  };
  const listed = (last: Entry | undefined): Batch =>
    batch(
      () => req.clone(0, ROOT_FID, FID),
      () => req.lopen(1, FID, 0),
      () => req.read(EXT.readdirplus, 2, FID, 0, 0, LISTED),
      // Where a folder goes on is often more than a number holds.
      () => req.read(EXT.readdirplus, 3, FID, last?.offsetLo ?? 0, last?.offsetHi ?? 0, LISTED),
      () => req.clunk(4, FID),
    );
  const standIns = new StandIns(sys, backend);
  const piece = new Uint8Array(PIECE);
  // Most files are read to their end.
  const files = batch(
    () => req.read(T.read, 0, STAND_INS.read, 0, 0, PIECE),
    () => req.read(T.read, 1, STAND_INS.read, standIns.size - 1, 0, PIECE),
    () => req.write(2, STAND_INS.write, 0, 0, piece),
    () => req.clunk(3, STAND_INS.read),
    () => req.clunk(4, STAND_INS.write),
  );
  /** As a client of the plain protocol goes to a file, each request by itself and all of them together. */
  const ways: Batch[] = [];
  let lists = looks;
  const begin = (): boolean => {
    if (!exchange(hello) || !exchange(attach)) return false;
    const found = list([]);
    lists = listed(found.at(-1));
    const paths = found.slice(0, 1).map(({ name }) => [name]);
    const folders = found.filter((e) => e.isDir).slice(0, FOLDERS);
    for (const { name } of folders.filter((e) => answersAtOnce(sys, rootFd, e.name))) {
      const inside = paths.length > 1 ? undefined : list([name])[0];
      if (inside !== undefined) paths.push([name, inside.name]);
    }
    const way = paths.flatMap((path) => [
      () => req.walk(0, ROOT_FID, FID, path),
      () => req.getattr(1, FID, GETATTR_BASIC),
      () => req.clunk(2, FID),
    ]);
    ways.push(...way.map((one) => batch(one)), batch(...Array.from({ length: WAYS }, () => way).flat()));
    return true;
  };
  /** Reads and writes where neither is of consequence. */
  const pieces = (): boolean => {
    standIns.change();
    return !standIns.open(ROOT_FID) || exchange(files);
  };
  return {
    play: (round) =>
      (round > 0 || begin()) && pieces() && exchange(looks) && ways.every(exchange) && exchange(lists),
    end: () => connection.end(true, 'the rehearsal is over'),
  };
}

/** Whether a folder of the share lies on a disk of this machine, or in memory. */
function answersAtOnce(sys: Sys, rootFd: number, name: string): boolean {
  const fd = sys.openat(rootFd, cstring(name), O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC, 0);
  if (fd < 0) return false;
  const local = changesHere(sys, fd, sys.alloc(STATFS));
  sys.close(fd);
  return local;
}

interface Entry {
  readonly name: string;
  readonly isDir: boolean;
  /** Where the folder goes on behind it. */
  readonly offsetLo: number;
  readonly offsetHi: number;
}

/** The entries, `.` and `..` aside, in the Rreaddir that is among these replies. */
function entriesIn(dv: DataView, length: number): Entry[] {
  const entry = new Dirent();
  const found: Entry[] = [];
  for (let p = 0, end = 0; p < length; p = end) {
    end = p + dv.getUint32(p, true);
    if (dv.getUint8(p + 4) !== T.readdir + 1) continue;
    for (
      let at = readDirent(dv, p + RREAD_HEADER, end, entry);
      at >= 0;
      at = readDirent(dv, at, end, entry)
    ) {
      const name = Buffer.from(dv.buffer, dv.byteOffset + entry.nameOff, entry.nameLen).toString();
      if (name !== '.' && name !== '..')
        found.push({
          name,
          isDir: entry.qidType === QTDIR,
          offsetLo: entry.offsetLo,
          offsetHi: entry.offsetHi,
        });
    }
  }
  return found;
}
