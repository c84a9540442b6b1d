// SPDX-License-Identifier: MIT

import { printable } from '../base/error.ts';
import type { Question } from '../policy/asking.ts';
import type { Sha256 } from '../policy/fingerprint.ts';
import { looksDisposable } from '../policy/name.ts';
import type { ServiceQuestion } from '../policy/service-asking.ts';
import type { Asked } from './ask.ts';
import type { Audit, AuditEntry } from './audit.ts';
import type { Gate, Turn } from './gate.ts';
import type { Sessions } from './sessions.ts';
import type { PolicyStore } from './store.ts';

/** What is known of a machine. */
export interface Machine {
  readonly known: boolean;
  /** Gone after use, so that nothing lasting may be granted to its name. */
  readonly disposable: boolean;
}

/** All that the services work with; `cli/` puts it together. */
export interface Desk {
  readonly store: PolicyStore;
  readonly audit: Audit;
  readonly gate: Gate;
  readonly sessions: Sessions;
  readonly sha256: Sha256;
  /** Seconds that a person has to answer. */
  readonly patience: number;
  /** Milliseconds since 1970. */
  now(): number;
  /** Eight hex digits at random. */
  newId(): string;
  machine(name: string): Promise<Machine>;
  /** Which folder that is now, where the target can be asked beforehand; undefined where it cannot. */
  look?(target: string, folder: string): Promise<Look | undefined>;
  ask(question: Question | ServiceQuestion): Promise<Asked>;
}

/** What the target says of a folder before a person is asked. */
export type Look = { readonly bound: string } | { readonly missing: true };

/** What a service answers: its output, its words on stderr, its exit status. */
export interface Reply {
  readonly exit: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** The exit statuses of the original's services in the machine that decides: errno's EACCES and EINVAL. */
export const REFUSED = 13;
export const INVALID = 22;

/** Malformed requests of one source of which each gets its line in the log; of more only the powers of ten. */
const MALFORMED_LINES = 20;

/** A request that makes no sense: exit 22, one line in the log, no question. What is wrong with it is told only there. */
export function invalid(desk: Desk, source: string, service: string, why: string): Reply {
  const { tell, count } = desk.gate.count(source, 'malformed', MALFORMED_LINES);
  if (tell)
    desk.audit.write({
      event: 'refused',
      source,
      result: 'invalid',
      why: `${service}: ${printable(why)}`,
      ...(count > 1 ? { count } : {}),
    });
  return { exit: INVALID, stdout: '', stderr: 'error: the request is invalid\n' };
}

/** A request that is refused without a question: one line in the log for the first of a flood, and for powers of ten. */
export function turnedAway(
  desk: Desk,
  request: Pick<AuditEntry, 'target' | 'folder' | 'access' | 'service'> & { readonly source: string },
  result: string,
  why: string,
): void {
  const { tell, count } = desk.gate.count(request.source, 'turned-away', 3);
  if (tell) desk.audit.write({ event: 'refused', ...request, result, why, ...(count > 1 ? { count } : {}) });
}

/** What one rule decides for one machine: so many times in full, of more only the powers of ten. */
const RULE_LINES = 3;

/**
 * Whether what a rule has decided is to stand in the log. A machine may ask for it without end, and would wash out all else; the first times of each rule are always told. `count`: it stands for so many.
 * Throws Node's errors when it cannot be counted.
 */
export function tellByRule(
  desk: Desk,
  source: string,
  rule: string,
): { readonly tell: boolean; readonly count?: number } {
  const { tell, count } = desk.gate.count(source, `rule-${rule}`, RULE_LINES);
  return count > RULE_LINES ? { tell, count } : { tell };
}

/** Those of some machines that are disposables, by class or by name. Throws what `machine` throws. */
export async function disposablesOf(desk: Desk, names: Iterable<string>): Promise<ReadonlySet<string>> {
  const found = await Promise.all(
    [...new Set(names)].map(async (name) =>
      looksDisposable(name) || (await desk.machine(name)).disposable ? [name] : [],
    ),
  );
  return new Set(found.flat());
}

/** Before the next question of a source: how many of its requests were refused unasked since the last one. */
export function tellFlood(desk: Desk, source: string, turn: Pick<Turn, 'refusedMeanwhile'>): void {
  if (turn.refusedMeanwhile === 0) return;
  const why = 'so many requests were refused unasked since the last question';
  desk.audit.write({ event: 'flood', source, count: turn.refusedMeanwhile, why });
}

/** The log is told of the damage, the other side of nothing but the refusal. */
export function broken(desk: Desk, source: string, error: unknown): Reply {
  const why = error instanceof Error ? error.message : String(error);
  const entry: AuditEntry = { event: 'damage', source, result: 'refused', why };
  try {
    desk.audit.write(entry);
  } catch {
    // It may be the log itself that is broken; the refusal stands.
  }
  return { exit: REFUSED, stdout: '', stderr: 'Request refused\n' };
}
