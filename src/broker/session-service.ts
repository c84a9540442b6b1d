// SPDX-License-Identifier: MIT

import { isFingerprint } from '../policy/fingerprint.ts';
import { parseName } from '../policy/name.ts';
import { broken, type Desk, invalid, type Reply } from './desk.ts';
import { enter } from './enter.ts';
import type { Kept } from './keeper.ts';
import { parseClaim, refused } from './query.ts';

/** A session that has begun, and the line that tells the target so. */
export interface Begun {
  readonly kept: Kept;
  readonly line: string;
}

/**
 * `ninefold.FolderSession+FINGERPRINT`, from a target of ours: one line of JSON `{"version":1,"source","folder","bound"}`, answered with one line
 * `{"version":1,"folder","access","traffic":true}`, with `"denied"`, a list of folders, where some inside are; then the call stays open as long as the session lasts. The target closes it when the client is gone; when this side
 * closes it, the target ends the session. Meanwhile the target tells what goes through it (`traffic-line.ts`), because `traffic` asked for that. Never rejects.
 */
export async function beginSession(
  desk: Desk,
  caller: string,
  print: string | undefined,
  line: string,
): Promise<Begun | Reply> {
  if (!parseName(caller).ok) return { exit: 22, stdout: '', stderr: 'error: the source is no qube\n' };
  try {
    if (print === undefined || !isFingerprint(print))
      return invalid(desk, caller, 'FolderSession', 'no fingerprint');
    const parsed = parseClaim(line);
    if (!parsed.ok) return invalid(desk, caller, 'FolderSession', parsed.why);
    await desk.store.repair();
    const claim = { ...parsed.value, print, target: caller, knowsReadOnly: true };
    const entered = await enter(desk, claim);
    if (!entered.ok) return refused(desk, claim, entered.why, caller);
    const { kept, folder, access, denied } = entered.value;
    const inside = denied.length === 0 ? {} : { denied };
    return {
      kept,
      line: `${JSON.stringify({ version: 1, folder, access, ...inside, traffic: true })}\n`,
    };
  } catch (error) {
    return broken(desk, caller, error);
  }
}
