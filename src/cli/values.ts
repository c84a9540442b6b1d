// SPDX-License-Identifier: MIT

import { printable } from '../base/error.ts';
import { usageError } from './report.ts';

/** Values of flags and environment variables. All throw NinefoldError OPTION_VALUE (exit 64); `name` is what the person typed. */

function wrong(name: string, text: string, why: string, remedy: string): Error {
  return usageError('OPTION_VALUE', 'cannot use', `${name} "${printable(text)}"`, why, remedy);
}

/** A count, or a size with the suffix K, M or G (powers of 1024). */
export function numberOption(name: string, text: string, min: number, max: number): number {
  const m = /^([0-9]{1,15})([KMG]?)$/i.exec(text);
  const unit = { '': 1, K: 1024, M: 1024 ** 2, G: 1024 ** 3 }[(m?.[2] ?? '').toUpperCase()] ?? 1;
  const n = Number(m?.[1]) * unit;
  const remedy = `give a number from ${min} to ${max}${max < 1024 ** 2 ? '' : '; K, M or G behind it stand for powers of 1024'}`;
  if (m === null) throw wrong(name, text, text === '' ? 'the number is missing' : 'it is no number', remedy);
  if (n < min || n > max) throw wrong(name, text, 'it is out of range', remedy);
  return n;
}

export function choiceOption<const T extends string>(name: string, text: string, choices: readonly T[]): T {
  const found = choices.find((c) => c === text);
  if (found === undefined)
    throw wrong(name, text, 'there is no such choice', `use one of ${choices.join(', ')}`);
  return found;
}

/** 1, true, yes, on; 0, false, no, off and empty. For environment variables. */
export function booleanOption(name: string, text: string): boolean {
  if (/^(1|true|yes|on)$/i.test(text)) return true;
  if (/^(0|false|no|off|)$/i.test(text)) return false;
  throw wrong(name, text, 'it is neither yes nor no', 'use on or off (also yes or no, 1 or 0)');
}

/** `UID:GID`, numbers. */
export function idsOption(name: string, text: string): { uid: number; gid: number } {
  const m = /^([0-9]{1,10}):([0-9]{1,10})$/.exec(text);
  const uid = Number(m?.[1]);
  const gid = Number(m?.[2]);
  // 2^32 − 1 means "leave as it is" to chown(2) and is nobody's id.
  if (m === null || uid >= 0xffff_ffff || gid >= 0xffff_ffff)
    throw wrong(name, text, 'it is not a user id and a group id', 'write two numbers, as in 1000:1000');
  return { uid, gid };
}

/** Permission bits in octal. */
export function modeOption(name: string, text: string): number {
  if (!/^0?[0-7]{3}$/.test(text)) throw wrong(name, text, 'it is not an octal mode', 'write it as in 0660');
  return Number.parseInt(text, 8);
}

/** Words between commas; empty ones are dropped. */
export function listOption(text: string): string[] {
  return text
    .split(',')
    .map((w) => w.trim())
    .filter((w) => w !== '');
}
