// SPDX-License-Identifier: MIT

import { O_DIRECTORY, O_RDONLY } from '../base/sys.ts';
import { encode } from '../proxyfs/codec.ts';
import { Writer } from '../proxyfs/coder.ts';
import { P, type ProxyName, ROWS } from '../proxyfs/messages.ts';
import { Request } from '../proxyfs/request.ts';
import { Conversation } from './conversation.ts';
import { Helper } from './helper.ts';
import type { ProxySetting } from './index.ts';

/** So often everything is asked: from here on more brings nothing (some 3,600 requests). */
const ROUNDS = 120;
const LONGEST_MS = 150;
const ROOM = 1 << 14;
const REPLY = 1 << 12;

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const TOP = bytes('//');
/** As QEMU writes them, and in every form that the code tells apart. Whether this file exists makes no difference. */
const PATHS = [TOP, bytes('/./home/../.'), bytes('//home/user/notes.txt'), bytes('//home/user/notes.txt\0')];
const TOO_LONG = bytes('x'.repeat(300));
const ACL = bytes('system.posix_acl_access');

/**
 * Plays QEMU to the helper's own code over a socket pair, before the first guest asks: V8 compiles what runs often, and what a guest does in its first
 * minute is 25,000 requests, which cost a quarter more on code that is not compiled yet.
 *
 * Asks only what changes nothing: looks at the top of the export and at a file that may or may not be there. Requests that would change something carry a path that is too
 * long for any system call; they show V8 how large their numbers may be, or it would throw away what it has compiled at the first such request. `pair`: both ends of a stream socket pair,
 * non-blocking, the caller's to close. When they fail, the rehearsal ends.
 */
export function rehearseProxy({
  sys,
  procFd,
  root,
  options,
  pair,
}: ProxySetting & { readonly pair: readonly [number, number] }): number {
  const [qemu, socketFd] = pair;
  const helper = new Helper(sys, root, procFd, options);
  const out = sys.alloc(ROOM);
  const reply = sys.alloc(REPLY);
  const writer = new Writer(out.u8);
  const looks = putLooks(writer);
  const all = [...looks, ...putRefused(writer)];
  const until = performance.now() + LONGEST_MS;
  let played = 0;
  for (let round = 0; round < ROUNDS && performance.now() < until; round++) {
    let start = 0;
    for (const end of round < 3 ? all : looks) {
      if (sys.sendWaiting(qemu, out, start, end - start) !== end - start) return played;
      // Ends where it would have to wait for the next one.
      new Conversation(sys, socketFd, helper).run();
      if (sys.recvWaiting(qemu, reply, 0, REPLY) <= 0) return played;
      start = end;
      played++;
    }
  }
  return played;
}

/** Returns where each request ends. */
function putLooks(w: Writer): number[] {
  const m = new Request();
  const ends: number[] = [];
  const put = (name: ProxyName, path: Uint8Array, size = 100, flags = O_RDONLY): void => {
    m.type = P[name];
    m.path.set(path, 0, path.length);
    m.name.set(ACL, 0, ACL.length);
    m.size = size;
    m.flags = flags;
    encode(w, m);
    ends.push(w.pos);
  };
  // Nine of ten requests of a guest at work are these, in about these shares.
  const most: readonly ProxyName[] = ['lstat', 'lgetxattr', 'getversion', 'lstat', 'lgetxattr', 'lstat'];
  for (const path of PATHS) for (const name of most) put(name, path);
  put('open', TOP);
  put('open', TOP, 0, O_DIRECTORY);
  put('llistxattr', TOP);
  put('llistxattr', TOP, 0);
  put('readlink', PATHS[2] as Uint8Array);
  put('statfs', TOP);
  return ends;
}

/** Every request, with the largest numbers, and refused before anything is done. */
function putRefused(w: Writer): number[] {
  const m = new Request();
  m.path.set(TOO_LONG, 0, TOO_LONG.length);
  m.path2.set(TOO_LONG, 0, TOO_LONG.length);
  m.name.set(ACL, 0, ACL.length);
  m.mode = m.rdevLo = m.rdevHi = 0xffffffff;
  m.length = m.atimeSec = m.atimeNsec = m.mtimeSec = m.mtimeNsec = 2 ** 40;
  return ROWS.map(({ type }) => {
    m.type = type;
    m.size = type === P.lsetxattr ? 0 : 100;
    encode(w, m);
    return w.pos;
  });
}
