// SPDX-License-Identifier: MIT

import { parseRule, type Rule } from '../../policy/rule.ts';

/** What is asked of the command `ninefold`: its arguments, and what it reads. */
export interface Call {
  readonly args: readonly string[];
  readonly input?: string;
}

/** A rule as the command prints it: what it is asked to put back is exactly that. */
export type RuleJson = Readonly<Record<string, unknown>>;

const EXTRA = ['used', 'replaced'];

/** Without what is told beside a rule, and is no part of it. */
export const bare = (json: RuleJson): RuleJson =>
  Object.fromEntries(Object.entries(json).filter(([name]) => !EXTRA.includes(name)));

/** The rule, and the JSON that it came of; undefined: it is none. */
export function readRule(json: unknown): { rule: Rule; json: RuleJson } | undefined {
  if (!isObject(json)) return undefined;
  const parsed = parseRule(bare(json));
  return parsed.ok ? { rule: parsed.value, json } : undefined;
}

export const isObject = (value: unknown): value is RuleJson =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

export const revokeCall = (id: string): Call => ({ args: ['policy', 'revoke', id, '--json'] });

/** `ifIs`: what the rule must be still, or nothing is put. */
export const putCall = (json: RuleJson, ifIs?: RuleJson): Call => ({
  args: ['policy', 'put', ...(ifIs === undefined ? [] : ['--if-is', JSON.stringify(bare(ifIs))]), '--json'],
  input: JSON.stringify(bare(json)),
});

/**
 * What makes undone what the command has said it did: `{rules}` were taken away, or a rule was made or changed and took the place of those in `replaced`. Empty: there is nothing to be undone, as after the end of
 * a session, which nobody can bring back.
 */
export function undoCalls(reply: unknown): Call[] {
  if (!isObject(reply)) return [];
  if (Array.isArray(reply.rules)) return reply.rules.filter(isObject).map((rule) => putCall(rule));
  if (typeof reply.id !== 'string') return [];
  const replaced = Array.isArray(reply.replaced) ? reply.replaced.filter(isObject) : [];
  const back = replaced.map((rule) => putCall(rule));
  // One that was changed has its id still, and is overwritten by what it was.
  return replaced.some((r) => r.id === reply.id) ? back : [revokeCall(reply.id), ...back];
}

/** What was done, the latest last; each can be undone once, in that order. */
export class UndoList {
  readonly #done: { readonly what: string; readonly calls: readonly Call[] }[] = [];

  /** `what`: for a person, in plain words. What cannot be undone is not kept. */
  add(what: string, reply: unknown): boolean {
    const calls = undoCalls(reply);
    if (calls.length === 0) return false;
    this.#done.push({ what, calls });
    return true;
  }

  /** What would be undone next. */
  get next(): string | undefined {
    return this.#done.at(-1)?.what;
  }

  take(): readonly Call[] {
    return this.#done.pop()?.calls ?? [];
  }
}
