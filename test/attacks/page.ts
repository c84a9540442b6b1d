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

/** A cell of a table in Markdown: one line, nothing that the table or the page would take for its own. */
function cell(text: string, most = 220): string {
  const line = text.replace(/\s+/g, ' ').trim();
  const short = line.length > most ? `${line.slice(0, most)} …` : line;
  return short.replaceAll('|', '\\|').replaceAll('<', '&lt;');
}

const code = (text: string): string => (text === '' ? '' : `\`${cell(text, 160).replaceAll('`', "'")}\``);

/** docs/ATTACKS.md. */
export function attacksPage(tried: readonly Tried[]): string {
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
        `| ${cell(t.attack)} | ${cell(t.defence)} | ${t.tests.join(', ')} | ${cell(t.mutants.join('; '), 600)} |`,
    ),
    '',
    '## Taken out, one at a time',
    '',
    `${tried.filter((t) => t.verdict === 'noticed').length} of ${tried.length} were noticed by a test; the others say why not.`,
    '',
    '| without the defence | what was taken out or changed | noticed by | what it said |',
    '|---|---|---|---|',
    ...tried.map(
      (t) =>
        `| ${cell(t.mutant.name)} | ${code(t.removed)} | ${t.verdict === 'noticed' ? t.test : t.verdict} | ${cell(t.said)} |`,
    ),
    '',
  ];
  return lines.join('\n');
}
