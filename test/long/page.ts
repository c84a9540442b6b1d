// SPDX-License-Identifier: MIT

export interface Record_ {
  readonly name: string;
  readonly what: string;
  readonly command: string;
  readonly env: Readonly<Record<string, string>>;
  readonly status: string;
  readonly seconds: number;
  /** ISO 8601. */
  readonly when: string;
  /** What it said of counts and seeds. */
  readonly notes: readonly string[];
}

/** A run of everything by one command. */
export interface Whole {
  readonly minutes: number;
  /** ISO 8601. */
  readonly when: string;
  /** Parts that were not good then; their records may be of a later run. */
  readonly bad: readonly string[];
}

/** docs/FAULTS.md. */
export function reliabilityPage(
  records: readonly Record_[],
  machine: string,
  whole: Whole | undefined,
): string {
  return [
    '# Faults, hostile peers, long runs',
    '',
    'What was tried to break Ninefold, how often, and what came of it. Made by `npm run long`, which runs all of it in under an hour;',
    '`node dist/test/long/main.js NAME… --write docs/FAULTS.md` does a part again. Each record below says how often something was tried: "0 in N" proves',
    'no better than about 3 in N. A seed does the same again: `NINEFOLD_SEED=… ` before the command.',
    '',
    machine,
    ...(whole === undefined
      ? []
      : [
          '',
          [
            `All of it by one command on ${whole.when.slice(0, 10)}: ${whole.minutes} minutes`,
            whole.bad.length === 0 ? 'all good.' : `not good at once: ${whole.bad.join(', ')}.`,
          ].join('; '),
        ]),
    '',
    '| what | result | seconds |',
    '|---|---|---|',
    ...records.map((r) => `| [${r.name}](#${r.name}) | ${r.status} | ${r.seconds} |`),
    '',
    ...records.flatMap((r) => [
      `## ${r.name}`,
      '',
      `${r.what}.`,
      '',
      `\`${[...Object.entries(r.env).map(([k, v]) => `${k}=${v}`), r.command].join(' ')}\` on ${r.when.slice(0, 10)}: ${r.status}, ${r.seconds} s`,
      '',
      ...r.notes.map((n) => `- ${n.replaceAll('|', '\\|')}`),
      '',
    ]),
  ]
    .join('\n')
    .trimEnd()
    .concat('\n');
}
