// SPDX-License-Identifier: MIT

import { contains, upwards } from './folder.ts';
import { type Access, isAlive, type Request, type Rule } from './rule.ts';

/** What the rules say to a request. */
export type Decision =
  /** `access` is what may be used: what was asked for, and no more. */
  | { readonly kind: 'allow'; readonly rule: Rule; readonly access: Access }
  | { readonly kind: 'deny'; readonly rule: Rule }
  | { readonly kind: 'block'; readonly rule: Rule }
  /** Nothing decides it. `rule`: the one that comes nearest, an allowance to read where writing was asked for. */
  | { readonly kind: 'undecided'; readonly rule?: Rule };

/**
 * All rules, found by source, target and folder. A block is looked at first. Then the rule for the deepest folder that holds the requested one decides; of
 * several for one folder, a denial before an allowance, and a lasting allowance before one that would be used up.
 */
export class Book {
  readonly rules: readonly Rule[];
  readonly #pairs = new Map<string, Map<string, Rule[]>>();

  constructor(rules: readonly Rule[]) {
    this.rules = rules;
    for (const rule of rules) {
      const key = pairKey(rule);
      let folders = this.#pairs.get(key);
      if (folders === undefined) {
        folders = new Map();
        this.#pairs.set(key, folders);
      }
      const list = folders.get(rule.folder);
      if (list === undefined) folders.set(rule.folder, [rule]);
      else list.push(rule);
    }
  }

  /** `now`: milliseconds since 1970; what has run out by then does not count. */
  decide(request: Request, now: number): Decision {
    const folders = this.#pairs.get(pairKey(request));
    if (folders === undefined) return { kind: 'undecided' };
    const block = folders.get('/')?.find((rule) => rule.effect === 'block' && isAlive(rule, now));
    if (block !== undefined) return { kind: 'block', rule: block };
    for (const folder of upwards(request.folder)) {
      const here = folders.get(folder)?.filter((rule) => rule.effect !== 'block' && isAlive(rule, now));
      if (here === undefined || here.length === 0) continue;
      const denial = here.find((rule) => rule.effect === 'deny');
      if (denial !== undefined) return { kind: 'deny', rule: denial };
      const enough = here.filter((rule) => request.access === 'ro' || rule.access === 'rw');
      const best = enough.find((rule) => rule.lasts !== 'once') ?? enough[0];
      if (best !== undefined) return { kind: 'allow', rule: best, access: request.access };
      const near = here[0];
      return near === undefined ? { kind: 'undecided' } : { kind: 'undecided', rule: near };
    }
    return { kind: 'undecided' };
  }

  /** Denied folders inside the one that is requested, each once; a denial inside another is not told. */
  deniedBelow(request: Pick<Request, 'source' | 'target' | 'folder'>, now: number): string[] {
    const found: string[] = [];
    const folders = [...(this.#pairs.get(pairKey(request)) ?? [])].sort(([a], [b]) => a.length - b.length);
    for (const [folder, rules] of folders)
      if (
        folder !== request.folder &&
        contains(request.folder, folder) &&
        rules.some((rule) => rule.effect === 'deny' && isAlive(rule, now)) &&
        !found.some((outer) => contains(outer, folder))
      )
        found.push(folder);
    return found;
  }

  find(id: string): Rule | undefined {
    return this.rules.find((rule) => rule.id === id);
  }
}

const pairKey = (of: { source: string; target: string }): string => `${of.source}\0${of.target}`;
