// SPDX-License-Identifier: MIT

import { contains } from '../policy/folder.ts';
import { moment } from '../policy/words.ts';
import type { Desk } from './desk.ts';
import type { Admitted } from './query.ts';
import { TrafficMeter } from './traffic.ts';

/** How often a session's keeper looks whether it may go on: revocation ends it well within a second. */
export const LOOK_MS = 250;

/** A session that is being kept. */
export interface Kept {
  readonly id: string;
  /** Why it must end, as soon as that is so; undefined while it may go on. */
  check(): string | undefined;
  /** A line in which its server tells what goes through it; `check` shows that where `ninefold sessions` looks. */
  tell(line: string): void;
  /** It is over: the log is told, its file goes. Idempotent. */
  over(why: string): void;
}

/**
 * Begins a session: writes it where `ninefold sessions` sees it, and into the log. It may go on as long as nobody orders its end and the rules allow it; one that came of a one-time
 * grant needs no rule to go on, but a denial or block ends it too. Throws Node's errors when it cannot be written down.
 */
export function keep(desk: Desk, admitted: Admitted): Kept {
  const { source, target, folder, access, rule, denied } = admitted;
  const id = desk.newId();
  const once = rule.lasts === 'once';
  const told = { source, target, folder, access, rule: rule.id, session: id };
  desk.audit.write({ event: 'connection', ...told });
  const until = rule.lasts === 'until' && rule.until !== undefined ? { until: rule.until } : {};
  desk.sessions.add({ id, source, target, folder, access, rule: rule.id, once, ...until, since: desk.now() });
  let stamp = '';
  let ended = false;
  const meter = new TrafficMeter();
  const showTraffic = (): void => {
    const traffic = meter.take();
    try {
      if (traffic !== undefined) desk.sessions.tellTraffic(id, traffic);
    } catch {
      // No reason to end a session.
    }
  };
  return {
    id,
    tell: (line) => meter.tell(line),
    check() {
      showTraffic();
      const order = desk.sessions.order(id);
      if (order !== undefined) return order;
      if (until.until !== undefined && desk.now() >= until.until)
        return `it was granted until ${moment(until.until)}`;
      try {
        const now = desk.store.stamp();
        if (now === stamp) return undefined;
        const book = desk.store.load();
        const decision = book.decide({ source, target, folder, access }, desk.now());
        const added = book
          .deniedBelow({ source, target, folder }, desk.now())
          .find((inner) => !denied.some((outer) => contains(outer, inner)));
        stamp = now;
        if (decision.kind === 'deny') return `it is denied now (rule ${decision.rule.id})`;
        if (decision.kind === 'block') return `it is blocked now (rule ${decision.rule.id})`;
        // It would have to be kept out of a mount that may be in it already: the next one does.
        if (added !== undefined) return `${added} in it is denied now`;
        return decision.kind === 'undecided' && !once ? 'its grant was revoked' : undefined;
      } catch {
        return 'the list of rules is damaged';
      }
    },
    over(why) {
      if (ended) return;
      ended = true;
      try {
        desk.sessions.remove(id);
      } catch {
        // Where it lies cannot be reached any more; the log is told all the same.
      }
      const { latest } = meter;
      desk.audit.write({ event: 'end', ...told, ...(latest === undefined ? {} : { traffic: latest }), why });
    },
  };
}
