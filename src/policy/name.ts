// SPDX-License-Identifier: MIT

import { bad, good, type Parsed } from './parsed.ts';

/** Xen's limit for the name of a domain, and so that of a qube. */
export const NAME_MAX = 31;

/** What the machine that decides is called, and names that Qubes keeps for itself. */
const ADMIN: readonly string[] = ['dom0', 'Domain-0'];
const RESERVED: readonly string[] = ['none', 'default'];

/**
 * The name of a qube or machine: 1 to 31 of `A-Z a-z 0-9 . _ -`, a letter first, not ending in `-dm` (Qubes' rule for new qubes).
 * `$` is no part of the pattern: in the original it let a trailing newline pass.
 */
export function parseName(text: string): Parsed<string> {
  if (text === '') return bad('the name is empty');
  if (text.length > NAME_MAX) return bad(`a name has at most ${NAME_MAX} characters`);
  if (!/^[A-Za-z][A-Za-z0-9._-]*(?![\s\S])/.test(text))
    return bad('a name begins with a letter and has letters, digits, ".", "_" and "-" only');
  if (isAdmin(text)) return bad('the machine that decides shares nothing');
  if (RESERVED.includes(text) || text.endsWith('-dm')) return bad('that name is kept for the system');
  return good(text);
}

export const isAdmin = (name: string): boolean => ADMIN.includes(name);

/** Qubes' own names for disposables; those with a name of their own are known by their class alone. */
export const looksDisposable = (name: string): boolean => /^disp[0-9]+(?![\s\S])/.test(name);
