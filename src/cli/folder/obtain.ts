// SPDX-License-Identifier: MIT

import * as v from 'valibot';
import { brokerCaller } from '../../broker/broker-caller.ts';
import { type Call, type Caller, exchange, qrexecCaller } from '../../broker/call.ts';
import { readLineExactly } from '../../broker/line.ts';
import type { BrokerSys } from '../../broker/sys.ts';
import { isFingerprint } from '../../policy/fingerprint.ts';
import { parseFolder } from '../../policy/folder.ts';
import { parseName } from '../../policy/name.ts';
import type { Access } from '../../policy/rule.ts';
import { formatAsk, formatFolderLine } from '../../policy/wire.ts';
import { callRoute } from '../broker/places.ts';
import { usageError } from '../report.ts';
import { authorizeRefusal, connectRefusal, refusal, type Wanted } from './refusals.ts';

/** How long the other machine may take to answer: it may have to be started first. */
const CONNECT_MS = 120_000;

/** A channel on which 9P is spoken, and what may be done there. The caller closes the descriptors. */
export interface Obtained {
  readonly readFd: number;
  readonly writeFd: number;
  readonly access: Access;
}

/** `MACHINE:/FOLDER`; undefined for what is the source of another kind. */
export function parseWanted(text: string): Wanted | undefined {
  const m = /^([^:/]+):(\/.*)$/s.exec(text);
  if (m === null) return undefined;
  const [, machine = '', folder = ''] = m;
  return ['unix', 'ssh', 'tcp', 'vsock', 'hybrid-vsock', 'exec', 'fd'].includes(machine)
    ? undefined
    : { machine, folder };
}

/** Throws NinefoldError RULE_NAME, RULE_FOLDER (exit 64). */
export function checkWanted({ machine, folder }: Wanted): Wanted {
  const name = parseName(machine);
  if (!name.ok)
    throw usageError('RULE_NAME', 'cannot use the name', JSON.stringify(machine), name.why, 'check it');
  const plain = folder.length > 1 ? folder.replace(/\/+$/, '') : folder;
  const path = parseFolder(plain);
  if (!path.ok)
    throw usageError(
      'RULE_FOLDER',
      'cannot use the folder',
      JSON.stringify(folder),
      path.why,
      'write its absolute path',
    );
  return { machine, folder: path.value };
}

/**
 * Asks for the folder and connects to it: through the broker of this machine, or through qrexec. Throws NinefoldError GRANT_… as refusals.ts lists them, or what the call itself
 * throws.
 */
export async function obtain(sys: BrokerSys, wanted: Wanted, access: Access): Promise<Obtained> {
  const route = callRoute();
  const caller = (keep: boolean): Caller =>
    'broker' in route ? brokerCaller(sys, route.broker) : qrexecCaller(sys, route.qrexec, keep);
  const grant = await authorize(caller(false), wanted, access);
  const call = await caller(true)(wanted.machine, `ruddo.ConnectToFolder+${grant.print}`);
  return { ...(await connect(sys, call, wanted)), access: grant.access };
}

const MORE = v.object({
  access: v.optional(v.picklist(['ro', 'rw'])),
  refused: v.optional(v.string()),
});

async function authorize(
  caller: Caller,
  wanted: Wanted,
  access: Access,
): Promise<{ print: string; access: Access }> {
  const call = await caller('dom0', 'ruddo.AuthorizeFolderAccess');
  const ask = { target: wanted.machine, folder: wanted.folder, access };
  const { exit, stdout, words } = await exchange(call, formatAsk(ask));
  const lines = stdout.split('\n');
  if (exit !== 0)
    throw refusal(wanted, authorizeRefusal(exit, more(lines[0])?.refused), exit === 13 ? '' : words);
  const [print = '', second] = lines;
  if (!isFingerprint(print)) throw refusal(wanted, 'unknown', 'what came back is no fingerprint');
  // The original says nothing of access: it grants both.
  return { print, access: more(second)?.access ?? access };
}

function more(line: string | undefined): v.InferOutput<typeof MORE> | undefined {
  try {
    const parsed = v.safeParse(MORE, JSON.parse(line ?? ''));
    return parsed.success ? parsed.output : undefined;
  } catch {
    return undefined;
  }
}

async function connect(
  sys: BrokerSys,
  call: Call,
  wanted: Wanted,
): Promise<{ readFd: number; writeFd: number }> {
  const { readFd, writeFd } = call;
  const close = (): void => {
    sys.close(readFd);
    if (writeFd !== readFd) sys.close(writeFd);
  };
  const line = formatFolderLine(wanted.folder);
  const mem = sys.alloc(line.length + 1);
  // Into an empty socket: never a part of it.
  sys.write(writeFd, mem, 0, mem.cstring(line));
  const answer = await readLineExactly(sys, readFd, 2, CONNECT_MS);
  if (answer !== undefined && Buffer.from(answer).toString('latin1') === 'ok') return { readFd, writeFd };
  close();
  if (answer !== undefined) {
    call.abandon();
    throw refusal(wanted, 'unknown', 'what came back is no answer of a folder service');
  }
  const late = setTimeout(() => call.abandon(), 2000);
  const { exit, words } = await call.ended;
  clearTimeout(late);
  throw refusal(
    wanted,
    exit === 0 ? 'silent' : connectRefusal(exit),
    exit === 126 || exit === 2 ? '' : words,
  );
}
