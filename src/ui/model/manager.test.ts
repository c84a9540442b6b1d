// SPDX-License-Identifier: MIT
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatRule, type Rule } from '../../policy/rule.ts';
import { putCall, UndoList, undoCalls } from './manager-call.ts';
import { addCall, EMPTY_FORM, editCall, formOf, type RuleForm, wrongOf } from './manager-form.ts';
import { type ListRow, type RuleRow, rulesOf, sortRules, visible } from './manager-rules.ts';
import { bytesWords, fill, finder, moment, shown, spanWords } from './manager-words.ts';

const same = (text: string): string => text;
const rule = (id: number, more: Partial<Rule> = {}): Rule => ({
  id: id.toString(16).padStart(8, '0'),
  effect: 'allow',
  source: 'work',
  target: 'vault',
  folder: '/home/user',
  access: 'rw',
  lasts: 'always',
  origin: 'asked',
  made: Date.UTC(2026, 10, 20),
  ...more,
});
const rowsOf = (...rules: Rule[]): RuleRow[] => rulesOf(rules.map(formatRule), same).rows;
const outline = (list: readonly ListRow[]): string[] =>
  list.map((r) => (r.kind === 'group' ? `${r.title} (${r.count})` : `  ${r.rule.target} ${r.title}`));

test('grouped by either machine, in order, a block first; what is typed is looked for in all that is shown', () => {
  const rows = rowsOf(
    rule(1, { folder: '/b' }),
    rule(2, { folder: '/a', access: 'ro' }),
    rule(3, { source: 'mail', effect: 'deny', folder: '/secret' }),
    rule(4, { effect: 'block', folder: '/' }),
    rule(5, { target: 'box', lasts: 'until', until: Date.UTC(2030, 0, 1) }),
  );
  const bySource = sortRules(rows, 'source');
  assert.deepEqual(outline(visible(bySource, '', 'source')), [
    'mail (1)',
    '  vault /secret',
    'work (4)',
    '  box /home/user',
    '  vault Everything',
    '  vault /a',
    '  vault /b',
  ]);
  assert.deepEqual(outline(visible(bySource, 'VAULT  only', 'source')), ['work (1)', '  vault /a']);
  assert.deepEqual(outline(visible(bySource, 'denied', 'source')), ['mail (1)', '  vault /secret']);
  assert.deepEqual(outline(visible(bySource, 'nothing like it', 'source')), []);
  assert.deepEqual(
    outline(visible(sortRules(rows, 'target'), '', 'target')).filter((line) => !line.startsWith(' ')),
    ['box (1)', 'vault (4)'],
  );
});

test('a row tells access, how long, the last use and how it came about', () => {
  const used = { time: '2026-11-21T10:00:00.000Z', source: 'work', folder: '/home/user/docs' };
  const [row] = rulesOf([{ ...formatRule(rule(1)), used }], same).rows;
  const at = moment(Date.parse(used.time));
  assert.deepEqual(row?.details, [
    'work may mount it from vault',
    'always',
    `last used ${at} by work for /home/user/docs`,
    `decided when asked, ${moment(Date.UTC(2026, 10, 20))}`,
  ]);
  assert.ok(rowsOf(rule(2, { effect: 'deny' }))[0]?.details.every((d) => !d.includes('used')));
});

const HOSTILE: readonly (readonly [what: string, text: string])[] = [
  ['right to left', '/home/\u202egnp.exe'],
  ['newline', '/home\n<b>work may</b>'],
  ['zero width', '/ho\u200bme'],
  ['control', '/\u001b[2Jx'],
  ['4,000 characters', `/${'x'.repeat(4000)}`],
  ['line separator', '/a\u2028b'],
];
test('strings from elsewhere are one line without invisible characters; what is no rule is counted and not shown', () => {
  for (const [what, text] of HOSTILE) {
    assert.match(shown(text), /^[^\p{Cc}\p{Cf}\p{Zl}\p{Zp}]*$/u, what);
    assert.ok(shown(text).length < 400, what);
    const { rows, odd } = rulesOf([{ ...formatRule(rule(1)), folder: text }], same);
    if (what !== '4,000 characters') assert.deepEqual([rows.length, odd], [0, 1], what);
  }
  const used = { time: '2026-11-21T10:00:00.000Z', source: 'a\u202eb\nc', folder: '/x\u202e' };
  const [row] = rulesOf([{ ...formatRule(rule(1)), used }], same).rows;
  for (const words of row?.details ?? []) assert.match(words, /^[^\p{Cc}\p{Cf}]*$/u);
  assert.equal(shown('<b>&amp;</b>'), '<b>&amp;</b>', 'plain text: markup is text');
  assert.deepEqual(rulesOf('nonsense', same), { rows: [], odd: 0 });
  assert.deepEqual(rulesOf([null, 1, []], same), { rows: [], odd: 3 });
});

test('2,000 grants are parsed, sorted, grouped and filtered without a pause', (t) => {
  const many = Array.from({ length: 2000 }, (_, i) =>
    formatRule(rule(i, { source: `qube-${i % 40}`, folder: `/home/user/folder-${i}/documents` })),
  );
  const timed = <T>(what: string, work: () => T): T => {
    let best = Number.POSITIVE_INFINITY;
    let result = work();
    for (let i = 0; i < 5; i++) {
      const began = performance.now();
      result = work();
      best = Math.min(best, performance.now() - began);
    }
    t.diagnostic(`${what}: ${best.toFixed(2)} ms`);
    return result;
  };
  const { rows } = timed('parse 2,000', () => rulesOf(many, same));
  const next = many.map((r, i) => (i === 7 ? { ...r, access: 'ro' } : r));
  const again = timed('parse 2,000 of which one has changed', () => rulesOf(next, same, rows)).rows;
  assert.deepEqual(
    again.flatMap((row, i) => (row === rows[i] ? [] : [i])),
    [7],
  );
  const sorted = timed('sort 2,000', () => sortRules(rows, 'source'));
  const all = timed('show all', () => visible(sorted, '', 'source'));
  assert.equal(all.length, 2040);
  const began = performance.now();
  const few = timed('filter to few', () => visible(sorted, 'folder-1234 qube-34', 'source'));
  assert.ok((performance.now() - began) / 6 < 100, 'no pause that a person notices');
  assert.deepEqual(outline(few), ['qube-34 (1)', '  vault /home/user/folder-1234/documents']);
});

test('undo is the inverse call: of a revocation, of something new, of a change, of what was replaced', () => {
  const one = formatRule(rule(1));
  const two = formatRule(rule(2));
  assert.deepEqual(undoCalls({ rules: [one], sessions: 1 }), [putCall(one)]);
  assert.deepEqual(undoCalls({ ...one }), [{ args: ['policy', 'revoke', '00000001', '--json'] }]);
  assert.deepEqual(undoCalls({ ...one, replaced: [{ ...one, access: 'ro' }] }), [
    putCall({ ...one, access: 'ro' }),
  ]);
  assert.deepEqual(
    undoCalls({ ...one, replaced: [two] }).map((c) => c.args[1]),
    ['revoke', 'put'],
  );
  for (const nothing of [undefined, null, [], { rules: [], sessions: 1 }, 'x'])
    assert.deepEqual(undoCalls(nothing), []);
  const list = new UndoList();
  assert.equal(list.add('ended', { rules: [], sessions: 1 }), false);
  assert.equal(list.add('first', { rules: [one] }), true);
  list.add('second', { ...two });
  assert.equal(list.next, 'second');
  assert.equal(list.take()[0]?.args[1], 'revoke');
  assert.equal(list.take()[0]?.args[1], 'put');
  assert.deepEqual(list.take(), []);
  assert.deepEqual(
    JSON.parse(putCall({ ...one, used: {}, replaced: [] }).input ?? ''),
    one,
    'what is told beside the rule is no part of it',
  );
});

const form = (more: Partial<RuleForm>): RuleForm => ({
  ...EMPTY_FORM,
  source: 'work',
  target: 'vault',
  folder: '/a',
  ...more,
});
test('the window’s fields: each fault is named at its field', () => {
  const disposable = new Set(['web']);
  const field = (f: RuleForm, before?: Rule): string | undefined =>
    wrongOf(f, disposable, before, same)?.field;
  assert.equal(field(form({})), undefined);
  assert.equal(field(form({ folder: '/a/' })), undefined, 'a slash at its end is taken away');
  assert.equal(field(form({ source: '' })), 'source');
  assert.equal(field(form({ source: 'wo\u202erk' })), 'source');
  assert.equal(field(form({ target: 'dom0' })), 'target');
  assert.equal(field(form({ target: 'work' })), 'target');
  for (const folder of ['', 'a', '/a/../b', '/a//b', '/\u202ea', '/раypal'])
    assert.equal(field(form({ folder })), 'folder', folder);
  assert.equal(field(form({ folder: '', kind: 'block' })), undefined);
  assert.equal(field(form({ source: 'disp12' })), 'span');
  assert.equal(field(form({ source: 'web' })), 'span');
  assert.equal(field(form({ source: 'web', kind: 'deny' })), undefined);
  const once = rule(1, { lasts: 'once', until: 9e12 });
  assert.equal(field(form({ source: 'web', span: 'same' }), once), undefined);
  assert.equal(field(form({ span: 'same', kind: 'deny' }), once), 'span');
});

test('a form becomes the command’s arguments', () => {
  const args = (f: RuleForm): string => addCall(f).args.slice(1).join(' ');
  assert.equal(args(form({})), 'allow work vault:/a --read-only --json');
  assert.equal(
    args(form({ kind: 'rw', span: 'day', folder: '/a b/' })),
    'allow work vault:/a b --for 86400s --json',
  );
  assert.equal(args(form({ kind: 'deny', span: 'hour' })), 'deny work vault:/a --for 3600s --json');
  assert.equal(args(form({ kind: 'block' })), 'block work vault --json');
});

test('an edit keeps id and binding as long as the folder is the same, and the time unless another is chosen', () => {
  const now = Date.UTC(2026, 10, 25);
  const before = rule(7, { lasts: 'until', until: Date.UTC(2030, 0, 1), bound: '5:7' });
  const read = { rule: before, json: formatRule(before) };
  const edited = (f: Partial<RuleForm>): Record<string, unknown> =>
    JSON.parse(editCall({ ...formOf(before), ...f }, read, now).input ?? '') as Record<string, unknown>;
  assert.deepEqual(edited({ kind: 'ro' }), {
    ...formatRule(before),
    access: 'ro',
    origin: 'command',
    made: new Date(now).toISOString(),
  });
  assert.equal(edited({ folder: '/b' }).bound, undefined);
  assert.equal(edited({ target: 'box' }).bound, undefined);
  assert.equal(edited({ source: 'mail' }).bound, '5:7', 'the folder is the same one');
  assert.deepEqual(
    [edited({ span: 'always' }).lasts, edited({ span: 'always' }).until],
    ['always', undefined],
  );
  assert.equal(edited({ span: 'week' }).until, new Date(now + 604_800_000).toISOString());
  const block = edited({ kind: 'block' });
  assert.deepEqual([block.folder, block.access, block.bound], ['/', 'rw', undefined]);
});

test('an edit is put only where the rule is still what the window showed, and leaves a folder as it is that nobody has touched', () => {
  const before = rule(7, { folder: '/home/user/private ', effect: 'deny' });
  const read = { rule: before, json: { ...formatRule(before), used: { time: 'x' } } };
  const form = { ...formOf(before), span: 'week' } as const;
  assert.equal(
    wrongOf(form, new Set(), before, (text) => text),
    undefined,
  );
  const call = editCall(form, read, 0);
  assert.deepEqual(call.args.slice(0, 3), ['policy', 'put', '--if-is']);
  assert.deepEqual(JSON.parse(call.args[3] ?? ''), formatRule(before));
  assert.equal((JSON.parse(call.input ?? '') as { folder: string }).folder, '/home/user/private ');
  const other = editCall({ ...form, folder: ' /b/ ' }, read, 0);
  assert.equal((JSON.parse(other.input ?? '') as { folder: string }).folder, '/b');
});

test('small words', () => {
  assert.equal(fill('{1} and {0}, {2}', 'a', '{0}'), '{0} and a, {2}');
  assert.equal(bytesWords(1500), '1.5 kB');
  assert.equal(bytesWords(2e12), '2.0 TB');
  assert.deepEqual([5e3, 65e3, 7.26e6, 1e8].map(spanWords), ['5 s', '1 min', '2 h 1 min', '1 d 3 h']);
  assert.match(moment(0, true), /^19(?:69|70)-\d\d-\d\d \d\d:\d\d:00$/);
  assert.equal(moment(Number.NaN), '');
  assert.ok(finder(' B a ')('xa\nyb'));
});
