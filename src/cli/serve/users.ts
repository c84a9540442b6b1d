// SPDX-License-Identifier: MIT

import { openSync, readSync } from 'node:fs';
import type { User } from '../../p9-server/options.ts';

const PASSWD = '/etc/passwd';
const GROUP = '/etc/group';
/** A directory of more than a million accounts is not in these files. */
const FILE_MAX = 64 * 1024 * 1024;

export interface UserFiles {
  passwd: number;
  group: number;
}

/** Opens the two files for a worker, whose sandbox does not have them; undefined where requests never act as anyone else, or without them. */
export function openUserFiles(settings: { squash?: unknown }): UserFiles | undefined {
  if (process.geteuid?.() !== 0 || settings.squash !== undefined) return undefined;
  try {
    return { passwd: openSync(PASSWD, 'r'), group: openSync(GROUP, 'r') };
  } catch {
    return undefined;
  }
}

/**
 * Who a user is on this machine, from passwd(5) and group(5). The files are read once, at the first question: a share lives shorter than an
 * account, and the sandbox does not have the directory services that getpwuid(3) would ask.
 */
export function userTable(
  files: UserFiles | undefined,
): (who: { uid: number } | { name: string }) => User | undefined {
  let table: Table | undefined;
  return (who) => {
    if (files === undefined) return undefined;
    table ??= readTable(files);
    return 'uid' in who ? table.byUid.get(who.uid) : table.byName.get(who.name);
  };
}

interface Table {
  byUid: Map<number, User>;
  byName: Map<string, User>;
}

function readTable(files: UserFiles): Table {
  const memberOf = new Map<string, number[]>();
  // name:password:GID:member,member
  for (const [, , gid, members] of fields(files.group)) {
    if (gid === undefined || !/^[0-9]+$/.test(gid)) continue;
    for (const member of (members ?? '').split(',')) {
      if (member === '') continue;
      const list = memberOf.get(member);
      if (list === undefined) memberOf.set(member, [Number(gid)]);
      else list.push(Number(gid));
    }
  }
  const table: Table = { byUid: new Map(), byName: new Map() };
  // name:password:UID:GID:comment:home:shell
  for (const [name, , uidText, gidText] of fields(files.passwd)) {
    if (name === undefined || !/^[0-9]+$/.test(uidText ?? '') || !/^[0-9]+$/.test(gidText ?? '')) continue;
    const uid = Number(uidText);
    const gid = Number(gidText);
    const user: User = { uid, gid, groups: (memberOf.get(name) ?? []).filter((g) => g !== gid) };
    // Of two lines for one id the first counts, as with getpwuid(3).
    if (!table.byUid.has(uid)) table.byUid.set(uid, user);
    if (!table.byName.has(name)) table.byName.set(name, user);
  }
  return table;
}

/** Reads from the beginning, wherever the description stands: it is shared with other workers. */
function fields(fd: number): string[][] {
  const parts: Buffer[] = [];
  for (let at = 0; at < FILE_MAX; ) {
    const part = Buffer.alloc(65_536);
    const n = readSync(fd, part, 0, part.length, at);
    if (n === 0) break;
    parts.push(part.subarray(0, n));
    at += n;
  }
  return Buffer.concat(parts)
    .toString('utf8')
    .split('\n')
    .map((line) => line.split(':'));
}
