// SPDX-License-Identifier: MIT

import { withRule } from '../policy/change.ts';
import {
  type AskedService,
  blockedBy,
  type ServiceRequest,
  serviceAnswer,
  serviceQuestionOf,
} from '../policy/service-asking.ts';
import { ruleWords } from '../policy/words.ts';
import { broken, type Desk, tellByRule, tellFlood, turnedAway } from './desk.ts';
import { CLOSED_WORDS, type Turn } from './gate.ts';
import type { Kept } from './keeper.ts';

/**
 * May `source` use a service of `target` now? A block between the two says no by itself, also to what a rule about calls allows; what no rule allows is asked of a person, each time: what was allowed
 * once is no rule. Questions go through the same gate as those about folders. `rule`: the place of the rule that allows it. Never rejects: whatever goes wrong is a no, and stands in the log.
 */
export async function allowService(
  desk: Desk,
  request: ServiceRequest,
  service: AskedService,
  rule?: string,
): Promise<boolean> {
  const { source, target } = request;
  try {
    await desk.store.repair();
    const block = blockOf(desk, request);
    if (block !== undefined) {
      const { tell, ...times } = tellByRule(desk, source, block.rule);
      if (tell && times.count === undefined) desk.audit.write({ event: 'request', ...request });
      if (tell) desk.audit.write({ event: 'decision', ...request, result: 'blocked', ...times, ...block });
      return false;
    }
    const machines = await Promise.all([desk.machine(source), desk.machine(target)]);
    if (!machines.every((m) => m.known)) return no(desk, request, 'unknown', 'there is no such machine');
    if (rule !== undefined) {
      desk.audit.write({ event: 'request', ...request });
      desk.audit.write({
        event: 'decision',
        ...request,
        result: 'allow',
        why: `the policy allows it: ${rule}`,
      });
      return true;
    }
    const turn = await desk.gate.enter(source);
    if (typeof turn === 'string') return no(desk, request, turn, CLOSED_WORDS[turn]);
    let yes = false;
    try {
      yes = await question(desk, request, service, turn);
    } finally {
      turn.leave(yes ? 'allowed' : 'refused');
    }
    return yes;
  } catch (error) {
    broken(desk, source, error);
    return false;
  }
}

function no(desk: Desk, request: ServiceRequest, result: string, why: string): false {
  turnedAway(desk, request, result, why);
  return false;
}

/** The rule that blocks everything between the two; undefined: none does. Throws where the rules are damaged. */
function blockOf(desk: Desk, request: ServiceRequest): { rule: string; why: string } | undefined {
  const decision = desk.store.load().decide(blockedBy(request), desk.now());
  if (decision.kind !== 'block') return undefined;
  return { rule: decision.rule.id, why: ruleWords(decision.rule) };
}

async function question(
  desk: Desk,
  request: ServiceRequest,
  service: AskedService,
  turn: Turn,
): Promise<boolean> {
  desk.audit.write({ event: 'request', ...request });
  tellFlood(desk, request.source, turn);
  const { patience } = desk;
  const asked = await desk.ask(serviceQuestionOf(request, service, { ...turn, patience }));
  const decided = (result: string, why: string, rule?: string): void =>
    desk.audit.write({
      event: 'decision',
      ...request,
      result,
      ...(rule === undefined ? {} : { rule }),
      why,
    });
  if (asked.kind !== 'answer') {
    decided(asked.kind, asked.kind === 'timeout' ? `nobody answered within ${patience} s` : asked.why);
    return false;
  }
  const answer = serviceAnswer(request, asked.answer, { id: desk.newId(), now: desk.now() });
  if (!answer.ok) {
    decided('failed', answer.why);
    return false;
  }
  if (typeof answer.value === 'object') {
    const rule = answer.value;
    decided('block', ruleWords(rule), rule.id);
    await desk.store.change((rules) => ({ rules: withRule(rules, rule), result: undefined }));
    return false;
  }
  if (answer.value === 'deny') {
    decided('denied', 'a person said no, for this time');
    return false;
  }
  // Somebody may have blocked it while the question was open.
  const block = blockOf(desk, request);
  if (block !== undefined) {
    decided('blocked', block.why, block.rule);
    return false;
  }
  decided('allow', 'a person said yes, for this time');
  return true;
}

/** What runs after the yes: the log tells its beginning and end, and a block ends it. It is no session, since nothing is mounted. */
export function keepService(desk: Desk, request: ServiceRequest): Kept {
  const id = desk.newId();
  const told = { ...request, session: id };
  desk.audit.write({ event: 'connection', ...told });
  let stamp = '';
  let ended = false;
  return {
    id,
    // It has no counters.
    tell() {},
    check() {
      try {
        const now = desk.store.stamp();
        if (now === stamp) return undefined;
        const block = blockOf(desk, request);
        stamp = now;
        return block === undefined ? undefined : `it is blocked now (rule ${block.rule})`;
      } catch {
        return 'the list of rules is damaged';
      }
    },
    over(why) {
      if (ended) return;
      ended = true;
      desk.audit.write({ event: 'end', ...told, why });
    },
  };
}
