// SPDX-License-Identifier: MIT

import { disposableByName, type Question, questionOf, ruleOf } from '../policy/asking.ts';
import { Book, type Decision } from '../policy/book.ts';
import { isLasting, standing, withRule } from '../policy/change.ts';
import { fingerprint } from '../policy/fingerprint.ts';
import { parseName } from '../policy/name.ts';
import type { Access, Request, Rule } from '../policy/rule.ts';
import { type Ask, parseAsk } from '../policy/wire.ts';
import { ruleWords } from '../policy/words.ts';
import {
  broken,
  type Desk,
  disposablesOf,
  invalid,
  REFUSED,
  type Reply,
  tellByRule,
  tellFlood,
  turnedAway,
} from './desk.ts';
import { CLOSED_WORDS, type Turn } from './gate.ts';

/** Why a request is refused, in one word for our clients. */
export type Refusal = 'denied' | 'blocked' | 'timeout' | 'unknown' | 'busy' | 'failed';

const SERVICE = 'AuthorizeFolderAccess';

/**
 * `ruddo.AuthorizeFolderAccess`: what `source` asked, answered from the rules, or else by a person. An allowance is told as the original tells it, 32 hex digits and no newline;
 * to a client of ours with a line of JSON after it. Never rejects: whatever goes wrong is a refusal.
 */
export async function authorize(desk: Desk, source: string, bytes: Uint8Array): Promise<Reply> {
  const from = parseName(source);
  if (!from.ok) return { exit: 22, stdout: '', stderr: 'error: the source is no qube\n' };
  try {
    const ask = parseAsk(bytes);
    if (!ask.ok) return invalid(desk, source, SERVICE, ask.why);
    if (ask.value.target === source)
      return invalid(desk, source, SERVICE, 'a qube asks for a folder of its own');
    return await decide(desk, source, ask.value);
  } catch (error) {
    return broken(desk, source, error);
  }
}

async function decide(desk: Desk, source: string, ask: Ask): Promise<Reply> {
  const { target, folder, access } = ask;
  const request: Request = { source, target, folder, access };
  await desk.store.repair();
  const first = await byRules(desk, ask, request);
  if (first.kind !== 'undecided') {
    const { tell, count } = tellByRule(desk, source, first.rule.id);
    if (tell && count === undefined) desk.audit.write({ event: 'request', ...request });
    if (tell) tellDecision(desk, request, first, count);
    return replyOf(desk, ask, first);
  }
  const machines = await Promise.all([desk.machine(source), desk.machine(target)]);
  // The same words as for any refusal: nobody finds out so which machines there are.
  if (!machines.every((m) => m.known)) {
    turnedAway(desk, request, 'unknown', 'there is no such machine');
    return refuse(ask, 'unknown');
  }
  const disposable = disposableByName(request) || machines.some((m) => m.disposable);
  const turn = await desk.gate.enter(source);
  if (typeof turn === 'string') {
    turnedAway(desk, request, turn, CLOSED_WORDS[turn]);
    return refuse(ask, 'busy');
  }
  let outcome: 'allowed' | 'refused' = 'refused';
  try {
    const reply = await question(desk, ask, request, turn, disposable);
    if (reply.exit === 0) outcome = 'allowed';
    return reply;
  } finally {
    turn.leave(outcome);
  }
}

/** A lasting allowance that is there all the same, because the machine became a disposable later, does not stand for one. */
async function byRules(desk: Desk, ask: Ask, request: Request): Promise<Decision> {
  const book = desk.store.load();
  const decision = verdict(book, ask, request, desk.now());
  if (decision.kind !== 'allow' || !isLasting(decision.rule)) return decision;
  const disposables = await disposablesOf(desk, [request.source, request.target]);
  if (disposables.size === 0) return decision;
  return verdict(new Book(standing(book.rules, disposables)), ask, request, desk.now());
}

/** A client that cannot say "read only" is content with it. */
function verdict(book: Book, ask: Ask, request: Request, now: number): Decision {
  const decision = book.decide(request, now);
  if (ask.extended || decision.kind !== 'undecided' || decision.rule === undefined) return decision;
  return book.decide({ ...request, access: 'ro' }, now);
}

async function question(
  desk: Desk,
  ask: Ask,
  request: Request,
  turn: Turn,
  disposable: boolean,
): Promise<Reply> {
  desk.audit.write({ event: 'request', ...request });
  tellFlood(desk, request.source, turn);
  const look = await desk.look?.(request.target, request.folder);
  const { patience } = desk;
  const { refusedMeanwhile, waiting, waitingFile } = turn;
  const plain = questionOf(request, {
    disposable,
    patience,
    refusedMeanwhile,
    waiting,
    waitingFile,
  });
  const put: Question =
    look !== undefined && 'missing' in look
      ? {
          ...plain,
          notes: [...plain.notes, 'There is no such folder now, or it is reached by a symbolic link.'],
        }
      : plain;
  const asked = await desk.ask(put);
  if (asked.kind !== 'answer') {
    const why = asked.kind === 'timeout' ? `nobody answered within ${patience} s` : asked.why;
    return decided(desk, ask, request, asked.kind, why);
  }
  const facts = { id: desk.newId(), now: desk.now(), disposable, origin: 'asked' as const };
  const made = ruleOf(request, asked.answer, facts);
  if (!made.ok) return decided(desk, ask, request, 'failed', made.why);
  const rule = made.value;
  if (rule === undefined) return decided(desk, ask, request, 'denied', 'a person said no, for this time');
  const bound = look !== undefined && 'bound' in look && rule.effect === 'allow' ? { bound: look.bound } : {};
  const kept: Rule = { ...rule, ...bound };
  // Written down first: what cannot be told later is not granted.
  desk.audit.write({
    event: 'decision',
    ...request,
    access: kept.access,
    result: kept.effect,
    rule: kept.id,
    why: ruleWords(kept),
  });
  const decision = await desk.store.change((rules, now) => {
    // Somebody may have decided otherwise while the question was open.
    const before = new Book(rules).decide(request, now);
    if (kept.effect === 'allow' && (before.kind === 'deny' || before.kind === 'block'))
      return { rules, result: before };
    const after = withRule(rules, kept);
    const access: Access = kept.access === 'ro' ? 'ro' : request.access;
    const disposables = disposable ? [request.source, request.target] : [];
    const book = new Book(standing(after, new Set(disposables)));
    return { rules: after, result: book.decide({ ...request, access }, now) };
  });
  // What the person decided stands in the log; that an allowance was stepped over meanwhile does not.
  if (decision.kind === 'allow') return allowed(desk, ask, decision);
  if (kept.effect !== 'allow') return refuse(ask, refusalOf(decision));
  tellDecision(desk, request, decision);
  return replyOf(desk, ask, decision);
}

/** A refusal that a person, the clock or a fault gave: one line in the log. */
function decided(desk: Desk, ask: Ask, request: Request, result: Refusal, why: string): Reply {
  desk.audit.write({ event: 'decision', ...request, result, why });
  return refuse(ask, result);
}

/** One line in the log of what the rules have decided; `count`: so many times by now. */
function tellDecision(desk: Desk, request: Request, decision: Decision, count?: number): void {
  const { rule } = decision;
  desk.audit.write({
    event: 'decision',
    ...request,
    ...(decision.kind === 'allow' ? { access: decision.access } : {}),
    result: decision.kind === 'allow' ? 'allow' : refusalOf(decision),
    ...(count === undefined ? {} : { count }),
    ...(rule === undefined ? {} : { rule: rule.id, why: ruleWords(rule) }),
  });
}

function replyOf(desk: Desk, ask: Ask, decision: Decision): Reply {
  return decision.kind === 'allow' ? allowed(desk, ask, decision) : refuse(ask, refusalOf(decision));
}

const refusalOf = ({ kind }: Decision): Refusal => (kind === 'block' ? 'blocked' : 'denied');

function allowed(desk: Desk, ask: Ask, { rule, access }: Decision & { kind: 'allow' }): Reply {
  const print = fingerprint(desk.sha256, rule, access);
  const stdout = ask.extended ? `${print}\n${JSON.stringify({ access, lasts: rule.lasts })}\n` : print;
  return { exit: 0, stdout, stderr: '' };
}

function refuse(ask: Ask, refused: Refusal): Reply {
  // To the original's clients a refusal is a refusal.
  const stdout = ask.extended ? `${JSON.stringify({ refused })}\n` : '';
  return { exit: REFUSED, stdout, stderr: 'Request refused\n' };
}
