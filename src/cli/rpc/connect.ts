// SPDX-License-Identifier: MIT

import { accessSync, constants, statSync, writeSync } from 'node:fs';
import * as v from 'valibot';
import { EACCES, ELOOP, ENOSYS, ENOTDIR } from '../../base/errno.ts';
import { AT_FDCWD, O_DIRECTORY, O_PATH, RESOLVE_NO_MAGICLINKS, RESOLVE_NO_SYMLINKS } from '../../base/sys.ts';
import { DENIED, type Given } from '../../broker/agent-call.ts';
import { exchange, openLine, qrexecCaller } from '../../broker/call.ts';
import { readLineExactly } from '../../broker/line.ts';
import { openSys } from '../../linux/index.ts';
import { cstring } from '../../linux/memory.ts';
import { isFingerprint } from '../../policy/fingerprint.ts';
import { contains } from '../../policy/folder.ts';
import type { Access } from '../../policy/rule.ts';
import { FOLDER_LINE_MAX, formatFolderLine, parseFolderLine } from '../../policy/wire.ts';
import type { TransportSys } from '../../transport/sys.ts';
import { say } from '../report.ts';
import { serveSettings } from '../serve/options.ts';
import { servePair } from '../serve/pair.ts';
import { openTransportSys } from '../wiring.ts';
import type { ServiceCall } from './main.ts';

/** The original's statuses of this service, and one more: another folder has taken the place of the one that was granted. */
const REFUSED = 126;
const NO_FOLDER = 2;
const NOT_READABLE = 13;
export const REPLACED = 116;

const STDERR = 2;

/** How long the caller has for its line, and the machine that decides for its answer. */
const LINE_MS = 10_000;
const ANSWER_MS = 30_000;
const ANSWER_MAX = 16 * 1024;

/** The answer of `ninefold.FolderSession`. */
const SESSION = v.object({
  folder: v.string(),
  access: v.picklist(['ro', 'rw']),
  denied: v.exactOptional(DENIED),
  traffic: v.exactOptional(v.boolean()),
});

/** What may be served, and the line to whoever may end it. */
interface Grant {
  readonly access: Access;
  /** Folders inside that are not served. */
  readonly denied?: readonly string[];
  readonly controlFd?: number;
  /** Where the server is to tell what goes through it; undefined: nobody has asked for that. */
  readonly trafficFd?: number;
}

/**
 * `ruddo.ConnectToFolder+FINGERPRINT`, in the machine that has the folder: one line of base64, then `ok` and a newline, then 9P. The folder is opened before anything is asked and what was
 * opened is served, so that nothing that happens to its name meanwhile matters; and its path may have no symbolic link in it.
 */
export async function connectService(call: ServiceCall): Promise<number> {
  const sys = openTransportSys();
  const print = call.argument;
  if (print === undefined || !isFingerprint(print)) return refuse('error: no fingerprint was given');
  const { given } = call;
  const folder = given === undefined ? await readFolder(sys) : given.folder;
  if (folder === undefined) return refuse('Request refused');
  const root = openFolder(folder);
  const bound = root >= 0 ? boundOf(root) : undefined;
  const grant =
    given === undefined
      ? await askAdmin(sys, call.source, print, folder, bound)
      : fromBroker(given, bound, call);
  if (grant === 'replaced') {
    say('error: another folder has taken the place of the one that was granted');
    return REPLACED;
  }
  const strange = grant?.denied?.some((inner) => inner === folder || !contains(folder, inner));
  if (grant === undefined || strange === true) return refuse('Request refused');
  // Only now: who may not have the folder is not told whether it is there.
  if (root < 0) {
    say(
      root === -ENOTDIR || root === -ELOOP
        ? 'error: the path is no folder, or is reached by a symbolic link'
        : 'error: there is no such folder',
    );
    return root === -EACCES ? NOT_READABLE : NO_FOLDER;
  }
  try {
    accessSync(`/proc/self/fd/${root}`, constants.R_OK | constants.X_OK);
  } catch {
    say('error: the folder may not be read');
    return NOT_READABLE;
  }
  const settings = serveSettings({ 'read-only': grant.access === 'ro' }, process.env);
  // Qubes' clients attach by the path that they asked for.
  settings.aname = folder;
  const below = folder === '/' ? 1 : folder.length + 1;
  if (grant.denied !== undefined) settings.except = grant.denied.map((inner) => inner.slice(below));
  const { access: _, denied: _denied, ...lines } = grant;
  writeSync(1, 'ok\n');
  return servePair('qfsd', root, { readFd: 0, writeFd: 1, ...lines }, settings);
}

/** `ninefold.LookAtFolder`, asked by a broker before a person is: which folder that is now. One line of JSON. */
export async function lookService(call: ServiceCall): Promise<number> {
  const folder = call.given?.folder;
  if (folder === undefined) return refuse('error: only a broker asks this');
  const root = openFolder(folder);
  writeSync(1, `${JSON.stringify(root < 0 ? { missing: true } : { bound: boundOf(root) })}\n`);
  return 0;
}

async function readFolder(sys: TransportSys): Promise<string | undefined> {
  const line = await readLineExactly(sys, 0, FOLDER_LINE_MAX, LINE_MS);
  const folder = line === undefined ? undefined : parseFolderLine(line);
  return folder?.ok === true ? folder.value : undefined;
}

/** The broker has looked at the rules before it called. */
function fromBroker(given: Given, bound: string | undefined, { traffic }: ServiceCall): Grant | 'replaced' {
  if (given.bound !== undefined && bound !== undefined && given.bound !== bound) return 'replaced';
  const { access, controlFd, denied } = given;
  return {
    access,
    ...(controlFd === undefined ? {} : { controlFd }),
    ...(denied === undefined ? {} : { denied }),
    ...(traffic === true ? { trafficFd: STDERR } : {}),
  };
}

/** Asks dom0: by the call that stays open for the session, or where that is not known by the original's. undefined: no. */
async function askAdmin(
  sys: TransportSys,
  source: string,
  print: string,
  folder: string,
  bound: string | undefined,
): Promise<Grant | undefined> {
  const program = process.env.NINEFOLD_QREXEC_CLIENT || 'qrexec-client-vm';
  const session = await openLine(sys, program, 'dom0', `ninefold.FolderSession+${print}`);
  const claim = { version: 1, source, folder, ...(bound === undefined ? {} : { bound }) };
  const mem = sys.alloc(ANSWER_MAX);
  const length = mem.cstring(`${JSON.stringify(claim)}\n`);
  sys.write(session.fd, mem, 0, length);
  const answer = await readLineExactly(sys, session.fd, ANSWER_MAX, ANSWER_MS);
  if (answer !== undefined) {
    const said = v.safeParse(SESSION, JSON.parse(Buffer.from(answer).toString('utf8')));
    if (!said.success || said.output.folder !== folder) return undefined;
    const { access, denied, traffic } = said.output;
    return {
      access,
      controlFd: session.fd,
      ...(denied === undefined ? {} : { denied }),
      // An older dom0 does not say that it wants to hear of it, and gets nothing.
      ...(traffic === true ? { trafficFd: session.fd } : {}),
    };
  }
  sys.close(session.fd);
  const { exit } = await session.ended;
  // Refused by the policy, or not there: an older dom0. Whatever else is a refusal.
  if (exit !== 126 && exit !== 127) return undefined;
  const call = await qrexecCaller(sys, program)('dom0', `ruddo.QueryFolderAuthorization+${print}`);
  const { exit: status, stdout } = await exchange(call, formatFolderLine(folder));
  return status === 0 && stdout === `${folder}\n` ? { access: 'rw' } : undefined;
}

/** -errno, or an O_PATH descriptor of the folder itself. */
function openFolder(folder: string): number {
  const sys = openSys();
  const flags = O_PATH | O_DIRECTORY;
  const r = sys.openat2(AT_FDCWD, cstring(folder), flags, 0, RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS);
  // Linux before 5.6 has no way to say so in one call; the sandboxed server needs a newer one anyway.
  return r === -ENOSYS ? -ENOTDIR : r;
}

/** What tells this folder from another that gets its name: inode and time of birth, which survive a reboot as device numbers may not. */
function boundOf(fd: number): string {
  const s = statSync(`/proc/self/fd/${fd}`, { bigint: true });
  return `${s.ino.toString(16)}:${s.birthtimeNs.toString(16)}`;
}

function refuse(words: string): number {
  say(words);
  return REFUSED;
}
