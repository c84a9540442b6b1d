// SPDX-License-Identifier: MIT

/** A table as Markdown, padded so that it reads well in a terminal too: the first column to the left, all others to the right. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const cells = [head, ...rows].map((r) => head.map((_, i) => (r[i] ?? '').replaceAll('|', '\\|')));
  const width = head.map((_, i) => Math.max(3, ...cells.map((r) => (r[i] as string).length)));
  const line = (r: readonly string[]): string =>
    `| ${r.map((c, i) => pad(c, width[i] as number, i > 0)).join(' | ')} |`;
  const rule = `|${width.map((w, i) => (i === 0 ? '-'.repeat(w + 2) : `${'-'.repeat(w + 1)}:`)).join('|')}|`;
  const [first, ...others] = cells as [string[], ...string[][]];
  return [line(first), rule, ...others.map(line)].join('\n');
}

function pad(text: string, width: number, right: boolean): string {
  return right ? text.padStart(width) : text.padEnd(width);
}

/** Three significant digits at the most, and no more than two behind the point; `–` for nothing. */
export function figure(value: number | undefined): string {
  if (value === undefined) return '–';
  if (value >= 100) return value.toFixed(0);
  return value.toFixed(value >= 10 ? 1 : 2);
}

/** `0.72×`, `–` for nothing. */
export function times(value: number | undefined): string {
  return value === undefined ? '–' : `${value.toFixed(2)}×`;
}

/** A goal in the text of a page: `≤ 4.5`. */
export function atMost(goal: number | undefined): string {
  return goal === undefined ? '–' : `≤ ${goal}`;
}
