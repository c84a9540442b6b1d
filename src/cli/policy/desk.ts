// SPDX-License-Identifier: MIT

import { createHash, randomBytes } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { because, EXIT, NinefoldError, printable } from '../../base/error.ts';
import { Audit } from '../../broker/audit.ts';
import type { Desk } from '../../broker/desk.ts';
import { storeFiles } from '../../broker/files.ts';
import { Gate } from '../../broker/gate.ts';
import { Sessions } from '../../broker/sessions.ts';
import { PolicyStore } from '../../broker/store.ts';
import { openSys } from '../../linux/index.ts';
import { type PolicyPaths, policyPaths } from './paths.ts';

/** How long a person has to answer, in seconds; NINEFOLD_PATIENCE changes it. */
export const PATIENCE_S = 60;
/** How long a request waits for other qubes' questions. */
const QUEUE_MS = 60_000;

export const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');
export const newId = (): string => randomBytes(4).toString('hex');

/** What needs nobody to ask: enough for the commands that look at rules and change them. */
export type Books = Pick<Desk, 'store' | 'audit' | 'gate' | 'sessions' | 'sha256' | 'now' | 'newId'>;

/** Opens the rules and what belongs to them; the folder is made if need be. Throws NinefoldError STORE_FAILED (exit 78). */
export function openBooks(note: (line: string) => void, paths: PolicyPaths = policyPaths()): Books {
  const sys = openSys();
  const { now } = Date;
  try {
    mkdirSync(paths.dir, { recursive: true, mode: 0o700 });
    const store = new PolicyStore(paths.dir, paths.policyFile, {
      sys,
      files: storeFiles,
      sha256,
      now,
      newId,
      note,
    });
    return {
      store,
      audit: new Audit(paths.dir, sys, now),
      gate: new Gate(join(paths.dir, 'asking'), sys, now, QUEUE_MS),
      sessions: new Sessions(join(paths.dir, 'sessions'), sys),
      sha256,
      now,
      newId,
    };
  } catch (error) {
    const { errno } = error as NodeJS.ErrnoException;
    if (errno === undefined) throw error;
    throw new NinefoldError({
      code: 'STORE_FAILED',
      exit: EXIT.config,
      what: 'cannot use the folder of rules',
      on: printable(paths.dir),
      why: because(errno),
      remedy: 'run this as the user who decides, or set NINEFOLD_POLICY_DIR',
      cause: error,
    });
  }
}
