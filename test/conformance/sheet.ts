// SPDX-License-Identifier: MIT

import type { Place } from './places.ts';
import type { Outcome } from './run.ts';

export type Verdict = 'passed' | 'limit' | 'cannot' | 'failed';

export interface Judged extends Outcome {
  verdict: Verdict;
}

export interface Column {
  place: Place;
  outcomes: readonly Judged[];
}

/** A case that failed for a reason that `limitOf` knows is a limit, with that reason in front of what happened. */
export function judge(
  place: Place,
  outcome: Outcome,
  limitOf: (place: string, name: string) => string | undefined,
): Judged {
  if (outcome.status !== 'failed') return { ...outcome, verdict: outcome.status };
  const why = limitOf(place.id, outcome.name);
  return why === undefined ? { ...outcome, verdict: 'failed' } : { ...outcome, why, verdict: 'limit' };
}

export function count(column: Column, verdict: Verdict): number {
  return column.outcomes.filter((o) => o.verdict === verdict).length;
}

/** docs/CONFORMANCE.md. `total`: how many cases there are; a run may have been told to take only some. `facts`: versions, one line each. */
export function sheet(columns: readonly Column[], total: number, facts: readonly string[]): string {
  const cells = columns.map(
    (c) =>
      `| ${c.place.title} | ${count(c, 'passed')} | ${count(c, 'limit')} | ${count(c, 'cannot')} | ${count(c, 'failed')} | ${total - c.outcomes.length} |`,
  );
  return [
    '# Conformance',
    '',
    'Made by `npm run conformance`: what POSIX and the Linux manual pages promise for a folder, tried on folders of several kinds by the cases',
    'of `test/conformance/`. The local folder is the oracle: a case that fails there is wrong. “v9fs” is the 9P client of the Linux kernel on our server,',
    'in a guest (`test/guest/`), with `access=client` where nothing else is said; diod, another server, is a check on the cases.',
    '',
    ...facts.map((f) => `- ${f}`),
    '',
    '| target | passed | limit of kernel or protocol | cannot be carried | failed | not run |',
    '|---|---|---|---|---|---|',
    ...cells,
    '',
    '“Cannot be carried” is found by trying before the cases run, or known of the target; “limit” is a case that fails for a reason traced to',
    'its source, below; “failed” is a fault of the server or the mount: in the row of diod, of diod.',
    '',
    ...besideDiod(columns),
    ...section('Failed', columns, 'failed'),
    ...section('Limits, each with its source', columns, 'limit'),
    ...section('Cannot be carried', columns, 'cannot'),
  ].join('\n');
}

/** The same client and the same options on two servers: which cases only one of them passes. Nothing when one of the two was not tried. */
function besideDiod(columns: readonly Column[]): string[] {
  const [ours, theirs] = ['v9fs-none', 'diod'].map((id) => columns.find((c) => c.place.id === id));
  if (ours === undefined || theirs === undefined) return [];
  const passed = (c: Column): Set<string> =>
    new Set(c.outcomes.filter((o) => o.verdict === 'passed').map((o) => o.name));
  const [here, there] = [passed(ours), passed(theirs)];
  const onlyThere = ours.outcomes.filter((o) => there.has(o.name) && !here.has(o.name));
  const onlyHere = theirs.outcomes.filter((o) => here.has(o.name) && !there.has(o.name));
  return [
    '## Our server beside diod',
    '',
    `Under the same client with the same options, ${onlyHere.length} cases pass on our server and not on diod, and ${onlyThere.length} on diod and not on ours:`,
    '',
    ...onlyThere.map((o) => `- ${plain(o.name)}: ${plain(o.why)}`),
    '',
  ];
}

/** Reason → case → places. */
function section(title: string, columns: readonly Column[], verdict: Verdict): string[] {
  const reasons = new Map<string, Map<string, string[]>>();
  for (const { place, outcomes } of columns)
    for (const o of outcomes) {
      if (o.verdict !== verdict) continue;
      const why = verdict === 'failed' ? short(o.why) : o.why;
      const cases = reasons.get(why) ?? new Map<string, string[]>();
      cases.set(o.name, [...(cases.get(o.name) ?? []), place.id]);
      reasons.set(why, cases);
    }
  const lines = [...reasons].flatMap(([why, cases]) => [
    `- ${plain(why)}`,
    ...[...cases].map(([name, places]) => `  - ${plain(name)} (${places.join(', ')})`),
  ]);
  return [`## ${title}`, '', ...(lines.length === 0 ? ['None.'] : lines), ''];
}

const SHORT = 300;

/** What happened, without the folder of the run, and not at any length. */
function short(why: string): string {
  const plainer = why.replace(/\/[^' ]*\/case-[0-9-]+\//g, '').replace(/(.)\1{40,}/g, '$1…');
  return plainer.length > SHORT ? `${plainer.slice(0, SHORT)}…` : plainer;
}

/** Text that Markdown shows as it is, on one line. */
function plain(text: string): string {
  return text.replace(/\s+/g, ' ').replace(/[\\*_<>`|[\]]/g, '\\$&');
}
