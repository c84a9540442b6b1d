// SPDX-License-Identifier: MIT

import { existsSync, readFileSync, writeFileSync } from 'node:fs';

/** One half of the page. */
export interface Part {
  readonly key: string;
  readonly title: string;
  /** How it was measured. */
  readonly text: string;
  readonly table: string;
  /** `diod 1.0.24-5` */
  readonly versions: readonly string[];
  readonly missing: readonly string[];
}

/** Where and when a part was measured. */
export interface Circumstances {
  readonly command: string;
  readonly machine: string;
  /** ISO, day only. */
  readonly date: string;
}

const HEAD = `# Benchmarks

Made by \`npm run bench\`, which runs all systems side by side in one go. Take the ratios, not the numbers: a busy machine
doubles the latter and hardly moves the former.
`;

const mark = (key: string, end: boolean): string => `<!-- ${end ? 'end of ' : ''}${key} -->`;

/** A part as Markdown, between marks by which a later run finds and replaces it. */
export function section(part: Part, c: Circumstances): string {
  const notes = [...part.missing.map((m) => `\n${m}.`)].join('\n');
  return `${mark(part.key, false)}
## ${part.title}

${part.text}

\`${c.command}\`, ${c.date}, ${c.machine}. ${part.versions.join(', ')}.
${notes}
${part.table}
${mark(part.key, true)}`;
}

/** The page with the part put in or replaced; other parts stay as they were measured. */
export function withSection(page: string | undefined, part: Part, c: Circumstances): string {
  const text = section(part, c);
  if (page === undefined || page.trim() === '') return `${HEAD}\n${text}\n`;
  const from = page.indexOf(mark(part.key, false));
  const to = page.indexOf(mark(part.key, true));
  if (from < 0 || to < from) return `${page.trimEnd()}\n\n${text}\n`;
  return page.slice(0, from) + text + page.slice(to + mark(part.key, true).length);
}

export function updatePage(path: string, parts: readonly Part[], c: Circumstances): void {
  let page = existsSync(path) ? readFileSync(path, 'utf8') : undefined;
  for (const part of parts) page = withSection(page, part, c);
  if (page !== undefined) writeFileSync(path, page);
}
