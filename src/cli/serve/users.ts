// SPDX-License-Identifier: MIT

import { readFileSync } from 'node:fs';
import type { User } from '../../p9-server/options.ts';

/**
 * Who a user is on this machine, from passwd(5) and group(5). The files are read once, at the first question: a share lives shorter than an
 * account, and the sandbox may not have the directory services that getpwuid(3) would ask.
 */
export function userTable(
  passwdPath = '/etc/passwd',
  groupPath = '/etc/group',
): (who: { uid: number } | { name: string }) => User | undefined {
  let table: Table | undefined;
  return (who) => {
    table ??= readTable(passwdPath, groupPath);
    return 'uid' in who ? table.byUid.get(who.uid) : table.byName.get(who.name);
  };
}

interface Table {
  byUid: Map<number, User>;
  byName: Map<string, User>;
}

function readTable(passwdPath: string, groupPath: string): Table {
  const memberOf = new Map<string, number[]>();
  // name:password:GID:member,member
  for (const [, , gid, members] of fields(groupPath)) {
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
  for (const [name, , uidText, gidText] of fields(passwdPath)) {
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

function fields(path: string): string[][] {
  try {
    return readFileSync(path, 'utf8')
      .split('\n')
      .map((line) => line.split(':'));
  } catch {
    // No such file in here: nobody is known.
    return [];
  }
}
