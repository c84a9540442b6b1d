// SPDX-License-Identifier: MIT

import { hasRightToLeft, showWhole } from '../../../policy/show.ts';

export { hasRightToLeft };

/** A piece of a path as it is shown, and whether it is new since the last one. */
export interface Piece {
  readonly text: string;
  readonly changed: boolean;
}

/** LEFT-TO-RIGHT ISOLATE and POP DIRECTIONAL ISOLATE. Never part of what is asked for: `showWhole` makes escapes of them. */
const ISOLATE = '\u2066';
const POP = '\u2069';

/**
 * Each name of a path set apart for the drawing of text, so that the names of a path stand in its own order whatever they are written in: a name in Hebrew can otherwise
 * change places with its neighbour. Only where there is such a letter: anything else stays as it is.
 */
export function isolated(text: string): string {
  if (!hasRightToLeft(text)) return text;
  return text
    .split('/')
    .map((name) => (hasRightToLeft(name) ? `${ISOLATE}${name}${POP}` : name))
    .join('/');
}

/** The whole path, never cut, unusual characters as escapes: what is marked is what differs from `last`, a path as it was shown (undefined: none is known). Names are marked whole. */
export function piecesOf(folder: string, last: string | undefined): Piece[] {
  const shown = showWhole(folder);
  if (last === undefined || last === shown) return [{ text: shown, changed: false }];
  const now = namesOf(shown);
  const before = namesOf(last);
  let begin = 0;
  while (begin < now.length && begin < before.length && now[begin] === before[begin]) begin++;
  let end = 0;
  const most = Math.min(now.length, before.length) - begin;
  while (end < most && now[now.length - 1 - end] === before[before.length - 1 - end]) end++;
  const pieces = [
    { text: now.slice(0, begin).join(''), changed: false },
    { text: now.slice(begin, now.length - end).join(''), changed: true },
    { text: now.slice(now.length - end).join(''), changed: false },
  ];
  return pieces.filter((p) => p.text !== '');
}

/** `/a/bc` → `/a`, `/bc`. An escape has no slash. */
const namesOf = (shown: string): string[] => shown.match(/\/[^/]*/g) ?? [shown];
