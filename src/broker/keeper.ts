// SPDX-License-Identifier: MIT

import { contains } from '../policy/folder.ts';
import type { Rule } from '../policy/rule.ts';
import { moment } from '../policy/words.ts';
import type { Desk } from './desk.ts';
import type { Admitted } from './query.ts';
import { TrafficMeter } from './traffic.ts';

/** How often a session's keeper looks whether it may go on: revocation ends it well within a second. */
export const LOOK_MS = 250;

const endOf = ({ lasts, until }: Rule): number | undefined => (lasts === 'until' ? until : undefined);

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
  const since = desk.now();
  /** When the rule ends that allows it now. */
  let until = endOf(rule);
  const show = (): void => {
    const end = until === undefined ? {} : { until };
    desk.sessions.add({ id, source, target, folder, access, rule: rule.id, once, ...end, since });
  };
  show();
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
      try {
        const now = desk.now();
        const found = desk.store.stamp();
        const over = until !== undefined && now >= until ? until : undefined;
        if (found === stamp && over === undefined) return undefined;
        const book = desk.store.load();
        const decision = book.decide({ source, target, folder, access }, now);
        const added = book
          .deniedBelow({ source, target, folder }, now)
          .find((inner) => !denied.some((outer) => contains(outer, inner)));
        stamp = found;
        if (decision.kind === 'deny') return `it is denied now (rule ${decision.rule.id})`;
        if (decision.kind === 'block') return `it is blocked now (rule ${decision.rule.id})`;
        // It would have to be kept out of a mount that may be in it already: the next one does.
        if (added !== undefined) return `${added} in it is denied now`;
        if (once) return undefined;
        if (decision.kind === 'undecided')
          return over === undefined ? 'its grant was revoked' : `it was granted until ${moment(over)}`;
        const end = endOf(decision.rule);
        if (end === until) return undefined;
        until = end;
        try {
          show();
        } catch {
          // No reason to end a session.
        }
        return undefined;
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
