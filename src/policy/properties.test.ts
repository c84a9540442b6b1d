// SPDX-License-Identifier: MIT
// Properties against a model that is as plain as can be: no index, no early end.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import * as fc from 'fast-check';
import type { Answer } from './answer.ts';
import { ruleOf } from './asking.ts';
import { Book } from './book.ts';
import { swept, used, withoutRules, withRule } from './change.ts';
import { fingerprint } from './fingerprint.ts';
import { contains, parseFolder } from './folder.ts';
import { linesOf } from './lines.ts';
import { type Access, formatRule, isAlive, ONCE_MS, parseRule, type Request, type Rule } from './rule.ts';
import { showFolder } from './show.ts';

const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');
const part = fc.constantFrom('a', 'b', 'ab');
const folder = fc.array(part, { maxLength: 4 }).map((parts) => `/${parts.join('/')}`);
const name = fc.constantFrom('one', 'two', 'three');
const access = fc.constantFrom<Access>('ro', 'rw');
const request: fc.Arbitrary<Request> = fc
  .record({ source: name, target: name, folder, access })
  .filter((r) => r.source !== r.target);
const rule: fc.Arbitrary<Rule> = fc
  .tuple(
    request,
    fc.constantFrom<Rule['effect']>('allow', 'allow', 'deny', 'block'),
    fc.constantFrom<Rule['lasts']>('once', 'until', 'always'),
    fc.integer({ min: 1, max: 200 }),
    fc.integer({ min: 0, max: 0xffffffff }),
  )
  .map(([r, effect, lasts, until, id]) => {
    const kept = lasts === 'once' && effect !== 'allow' ? 'always' : lasts;
    return {
      id: id.toString(16).padStart(8, '0'),
      effect,
      source: r.source,
      target: r.target,
      folder: effect === 'block' ? '/' : r.folder,
      access: effect === 'allow' ? r.access : 'rw',
      lasts: kept,
      ...(kept === 'always' ? {} : { until }),
      origin: 'asked' as const,
      made: 0,
    };
  });
const rules = fc.array(rule, { maxLength: 12 });

/** What the words of the specification say, one after the other. */
function model(all: readonly Rule[], r: Request, now: number): string {
  const alive = all.filter((x) => x.source === r.source && x.target === r.target && isAlive(x, now));
  if (alive.some((x) => x.effect === 'block')) return 'block';
  const holding = alive.filter((x) => contains(x.folder, r.folder));
  const deepest = Math.max(...holding.map((x) => x.folder.length));
  const there = holding.filter((x) => x.folder.length === deepest);
  if (there.length === 0) return 'undecided';
  if (there.some((x) => x.effect === 'deny')) return 'deny';
  return there.some((x) => r.access === 'ro' || x.access === 'rw') ? 'allow' : 'undecided';
}

test('the book decides as the model does, in any order of the rules', () => {
  fc.assert(
    fc.property(rules, request, fc.integer({ min: 0, max: 250 }), (all, r, now) => {
      const expected = model(all, r, now);
      assert.equal(new Book(all).decide(r, now).kind, expected);
      assert.equal(new Book(all.toReversed()).decide(r, now).kind, expected);
    }),
    { numRuns: 3000 },
  );
});

type Step =
  | { do: 'answer'; request: Request; answer: Answer; disposable: boolean }
  | { do: 'revoke'; folder: string }
  | { do: 'use'; request: Request }
  | { do: 'sweep' }
  | { do: 'wait'; ms: number };
const answer: fc.Arbitrary<Answer> = fc.oneof(
  fc.record({ version: fc.constant(1 as const), answer: fc.constant('deny' as const) }),
  fc.record({
    version: fc.constant(1 as const),
    answer: fc.constantFrom('deny' as const, 'block' as const),
    lasts: fc.constant('always' as const),
  }),
  fc.record({
    version: fc.constant(1 as const),
    answer: fc.constant('allow' as const),
    access,
    lasts: fc.constantFrom('once' as const, 'always' as const),
  }),
);
const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ do: fc.constant('answer' as const), request, answer, disposable: fc.boolean() }),
  fc.record({ do: fc.constant('revoke' as const), folder }),
  fc.record({ do: fc.constant('use' as const), request }),
  fc.record({ do: fc.constant('sweep' as const) }),
  fc.record({ do: fc.constant('wait' as const), ms: fc.integer({ min: 1, max: ONCE_MS }) }),
);

test('no sequence of operations widens a grant: whatever is allowed, a person allowed it in these words and has not taken it back', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 25 }), request, (steps, wish) => {
      let all: readonly Rule[] = [];
      let now = 0;
      /** What a person said yes to: the request, the access, and until when. Entries are struck out by revoking, use and time alone. */
      let said: { request: Request; access: Access; until: number; once: boolean }[] = [];
      for (const [i, s] of steps.entries()) {
        if (s.do === 'wait') now += s.ms;
        if (s.do === 'sweep') all = swept(all, now);
        if (s.do === 'revoke') {
          all = withoutRules(all, { folder: s.folder, below: true });
          said = said.filter((x) => !contains(s.folder, x.request.folder));
        }
        if (s.do === 'use') {
          const decision = new Book(all).decide(s.request, now);
          if (decision.kind !== 'allow') continue;
          const by = decision.rule;
          all = used(all, by);
          if (by.lasts === 'once')
            said = said.filter(
              (x) =>
                !x.once ||
                x.request.folder !== by.folder ||
                x.request.source !== by.source ||
                x.request.target !== by.target,
            );
        }
        if (s.do === 'answer') {
          const id = i.toString(16).padStart(8, '0');
          const made = ruleOf(s.request, s.answer, { id, now, disposable: s.disposable, origin: 'asked' });
          if (!made.ok || made.value === undefined) continue;
          all = withRule(all, made.value);
          const { effect, access: given, until = Number.POSITIVE_INFINITY, lasts } = made.value;
          if (s.disposable && effect === 'allow') assert.equal(lasts, 'once');
          if (effect === 'allow')
            said.push({ request: s.request, access: given, until, once: lasts === 'once' });
        }
      }
      const decision = new Book(all).decide(wish, now);
      if (decision.kind !== 'allow') return;
      const covered = said.some(
        (x) =>
          x.request.source === wish.source &&
          x.request.target === wish.target &&
          contains(x.request.folder, wish.folder) &&
          (wish.access === 'ro' || x.access === 'rw') &&
          now < x.until,
      );
      assert.ok(covered, 'nobody said that');
    }),
    { numRuns: 5000 },
  );
});

test('adding a denial or a block allows nothing', () => {
  fc.assert(
    fc.property(rules, rule, request, (all, added, r) => {
      if (added.effect === 'allow') return;
      const before = new Book(all).decide(r, 0).kind;
      const after = new Book(withRule(all, added)).decide(r, 0).kind;
      // It may take the place of a decision for the very same folder, but then it refuses there itself.
      if (after === 'allow') assert.equal(before, 'allow');
    }),
    { numRuns: 3000 },
  );
});

test('the policy has a line for exactly what is allowed', () => {
  fc.assert(
    fc.property(rules, fc.integer({ min: 0, max: 250 }), (all, now) => {
      const lines = new Set(linesOf(sha256, all, now));
      for (const r of all)
        for (const a of ['ro', 'rw'] as const) {
          const line = `ruddo.ConnectToFolder +${fingerprint(sha256, r, a)} ${r.source} ${r.target} allow`;
          const allowed = all.some(
            (x) =>
              x.effect === 'allow' &&
              isAlive(x, now) &&
              x.source === r.source &&
              x.target === r.target &&
              x.folder === r.folder &&
              (a === 'ro' || x.access === 'rw'),
          );
          assert.equal(lines.has(line), allowed);
        }
    }),
  );
});

test('rules survive the file', () => {
  fc.assert(
    fc.property(rule, (r) => {
      assert.deepEqual(parseRule(JSON.parse(JSON.stringify(formatRule(r)))), { ok: true, value: r });
    }),
  );
});

test('whatever path is accepted or not: what is shown is one line of visible characters, and two accepted paths are never shown alike', () => {
  const text = fc.oneof(
    fc.string({ unit: 'binary', maxLength: 30 }),
    fc.string({
      unit: fc.constantFrom('a', 'е', 'é', 'e\u0301', '\\', 'u{65}', '/', ' ', '\u202e', '\n'),
      maxLength: 8,
    }),
  );
  const seen = new Map<string, string>();
  fc.assert(
    fc.property(text, (t) => {
      const path = `/${t}`;
      const shown = showFolder(path).text;
      assert.doesNotMatch(shown, /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/u);
      if (!parseFolder(path).ok) return;
      const other = seen.get(shown);
      if (other !== undefined) assert.equal(other, path);
      seen.set(shown, path);
    }),
    { numRuns: 3000 },
  );
});
