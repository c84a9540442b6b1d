// SPDX-License-Identifier: MIT

import { good, type Parsed } from '../policy/parsed.ts';
import type { Desk } from './desk.ts';
import { type Kept, keep } from './keeper.ts';
import { type Admitted, admit, type Claim } from './query.ts';

/** A connection that is allowed, and its session. */
export interface Entered extends Admitted {
  readonly kept: Kept;
}

/**
 * `admit`, and the session begins before anybody else can change the rules: a revoke finds either the grant or the session. Of a grant for once that was used up a moment ago it would find nothing, and the mount
 * would go on. Throws what both throw.
 */
export async function enter(desk: Desk, claim: Claim): Promise<Parsed<Entered>> {
  const begun: Kept[] = [];
  try {
    const admitted = await admit(desk, claim, (found) => begun.push(keep(desk, found)));
    const [kept] = begun;
    if (!admitted.ok) return admitted;
    if (kept === undefined) throw new Error('a connection was admitted without its session');
    return good({ ...admitted.value, kept });
  } catch (error) {
    for (const kept of begun) kept.over('the use of its grant could not be written down');
    throw error;
  }
}
