// SPDX-License-Identifier: MIT

import { putSection } from '../helpers/sections.ts';
import type { Outcome } from './contest.ts';

export interface Row extends Outcome {
  id: string;
  title: string;
  seed: number;
  seconds: number;
}

/** The section “Random operations” of docs/RELIABILITY.md. */
export function rowsSection(file: string, rows: readonly Row[]): void {
  putSection(file, 'Random operations', [
    'Made by `npm run random -- --minutes M --target … --write docs/RELIABILITY.md`. A seeded generator does the same steps to a target and to a local folder: opening, reading,',
    'writing, maps, truncating, renaming, linking, attributes, times, removing, over up to 300 names at once, some of them odd, and files that stay open without a name. The result of',
    'each step must be the same, its error number included; now and then the whole trees are compared (names, attributes, contents, extended attributes, which names are one file), through',
    'every client and in the shared folder itself, and the target is mounted anew. A failing run prints its seed and the shortest script that it found. Of two mounts, each sees what the other does after a second; what no',
    'watch tells of, a change through another name of a file (EXTENSIONS.md), after ten: what differs there is looked at once more after that.',
    '',
    '| target | steps | whole comparisons | seed | seconds | result |',
    '|---|---|---|---|---|---|',
    ...rows.map(
      (r) =>
        `| ${r.title} | ${r.steps} | ${r.compared} | ${r.seed} | ${r.seconds} | ${r.failure === undefined ? 'no difference' : 'DIFFERENT'} |`,
    ),
  ]);
}
