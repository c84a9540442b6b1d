// SPDX-License-Identifier: MIT

import { showFolder } from '../../policy/show.ts';

/** Looks a sentence up in the catalogue of the person's language. */
export type Translate = (text: string) => string;

/** Puts values into a translated sentence: `{0}` is the first. */
export const fill = (text: string, ...values: readonly string[]): string =>
  text.replace(/\{([0-9])\}/g, (whole, n: string) => values[Number(n)] ?? whole);

/** Any string from elsewhere, as a person may see it: one line, nothing invisible, no markup that means anything. */
export const shown = (text: unknown): string => (typeof text === 'string' ? showFolder(text).text : '');

/** `2026-11-25 09:05`, in the person's time zone; seconds where they matter. */
export function moment(ms: number, seconds = false): string {
  if (!Number.isFinite(ms)) return '';
  const d = new Date(ms);
  const two = (n: number): string => String(n).padStart(2, '0');
  const day = `${d.getFullYear()}-${two(d.getMonth() + 1)}-${two(d.getDate())}`;
  const time = `${two(d.getHours())}:${two(d.getMinutes())}`;
  return seconds ? `${day} ${time}:${two(d.getSeconds())}` : `${day} ${time}`;
}

/** `1.5 MB`: powers of 1000. */
export function bytesWords(n: number): string {
  let value = n;
  for (const unit of ['B', 'kB', 'MB', 'GB']) {
    if (value < 1000) return `${unit === 'B' ? value : value.toFixed(1)} ${unit}`;
    value /= 1000;
  }
  return `${value.toFixed(1)} TB`;
}

/** `3 min`, `2 h`, `5 d`: how long ago something began. */
export function spanWords(ms: number): string {
  const s = Math.max(0, Math.round(ms / 1000));
  if (s < 60) return `${s} s`;
  if (s < 3600) return `${Math.floor(s / 60)} min`;
  return s < 86_400
    ? `${Math.floor(s / 3600)} h ${Math.floor((s % 3600) / 60)} min`
    : `${Math.floor(s / 86_400)} d ${Math.floor((s % 86_400) / 3600)} h`;
}

/** All words of what a person typed must be somewhere in a text; letters of either case. */
export function finder(typed: string): (text: string) => boolean {
  const words = typed
    .toLowerCase()
    .split(/\s+/)
    .filter((word) => word !== '');
  return (text) => words.every((word) => text.includes(word));
}
