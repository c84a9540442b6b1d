// SPDX-License-Identifier: MIT

import { ALL_THREATS } from './all-mutants.ts';
import type { Mutant } from './server-mutants.ts';

export interface Tried {
  readonly mutant: Mutant;
  readonly verdict: string;
  readonly good: boolean;
  /** What was taken out, as the code has it. */
  readonly removed: string;
  /** The test file that noticed, and what it said. */
  readonly test: string;
  readonly said: string;
}

const HEADING = '## Taken out, one at a time';

/** A cell of a table in Markdown: one line, nothing that the table or the page would take for its own. */
function cell(text: string, most = 220): string {
  const line = text.replace(/\s+/g, ' ').trim();
  const short = line.length > most ? `${line.slice(0, most)} …` : line;
  return short.replaceAll('|', '\\|').replaceAll('<', '&lt;');
}

const code = (text: string): string => (text === '' ? '' : `\`${cell(text, 160).replaceAll('`', "'")}\``);

/** A line of the second table. */
interface Row {
  readonly line: string;
  readonly noticed: boolean;
}

const rowOf = (t: Tried): Row => ({
  line: `| ${cell(t.mutant.name)} | ${code(t.removed)} | ${t.verdict === 'noticed' ? t.test : t.verdict} | ${cell(t.said)} |`,
  noticed: t.verdict === 'noticed',
});

/** The lines of the second table of a page, by the mutant's name as it stands there. */
export function rowsOf(page: string): Map<string, Row> {
  const rows = new Map<string, Row>();
  const lines = page.slice(page.indexOf(HEADING)).split('\n');
  for (const line of lines) {
    const [, name, , by] = line.split(/(?<!\\)\|/).map((c) => c.trim());
    // Where a verdict stands instead, it has several words.
    if (name !== undefined && by !== undefined) rows.set(name, { line, noticed: /^\S+\/\S+$/.test(by) });
  }
  return rows;
}

/** docs/ATTACKS.md. `former`: the rows of those of `mutants` that were not tried now. */
export function attacksPage(
  mutants: readonly Mutant[],
  tried: readonly Tried[],
  former: ReadonlyMap<string, Row>,
): string {
  const rows = mutants.flatMap((m) => {
    const now = tried.find((t) => t.mutant.name === m.name);
    const row = now === undefined ? former.get(cell(m.name)) : rowOf(now);
    return row === undefined ? [] : [row];
  });
  const lines = [
    '# Attacks',
    '',
    'Which attack is answered by which defence, proved by which test; and what each test said when the defence was taken out. Made by',
    '`npm run attacks`. The proxy helper has a list of its own: `node dist/test/attacks/proxy/mutants.js`, see [PROXY.md](PROXY.md).',
    '',
    '| attack | defence | tests | defences taken out (below) |',
    '|---|---|---|---|',
    ...ALL_THREATS.map(
      (t) =>
        `| ${cell(t.attack)} | ${cell(t.defence)} | ${t.tests.join(', ')} | ${cell(t.mutants.join('; '), 1200)} |`,
    ),
    '',
    HEADING,
    '',
    `${rows.filter((r) => r.noticed).length} of ${rows.length} were noticed by a test; the others say why not.`,
    '',
    '| without the defence | what was taken out or changed | noticed by | what it said |',
    '|---|---|---|---|',
    ...rows.map((r) => r.line),
    '',
  ];
  return lines.join('\n');
}
