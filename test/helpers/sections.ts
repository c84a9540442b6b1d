// SPDX-License-Identifier: MIT

import { existsSync, readFileSync, writeFileSync } from 'node:fs';

/** Puts `lines` below the heading `## title` of a Markdown page, in the place of what stood there; a page or section that is missing is made. */
export function putSection(file: string, title: string, lines: readonly string[]): void {
  const before = existsSync(file) ? readFileSync(file, 'utf8') : '# Reliability\n';
  const section = [`## ${title}`, '', ...lines, ''];
  const all = before.trimEnd().split('\n');
  const at = all.indexOf(`## ${title}`);
  if (at < 0) return writeFileSync(file, `${[...all, '', ...section].join('\n')}`);
  const next = all.findIndex((l, i) => i > at && l.startsWith('## '));
  const rest = next < 0 ? [] : all.slice(next);
  writeFileSync(file, `${[...all.slice(0, at), ...section, ...rest].join('\n').trimEnd()}\n`);
}
