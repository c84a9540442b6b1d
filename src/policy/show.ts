// SPDX-License-Identifier: MIT

import { alphabetsOf } from './folder.ts';

/** How much of a long path is shown at either end; the middle is left out, with a word about it. */
const END_CHARACTERS = 120;

/** A path as a person is to see it. */
export interface Shown {
  /** One line; what is outside of the safe set is an escape like `\u{301}`. Plain text: whoever puts it into markup escapes it again. */
  readonly text: string;
  /** What a person should know about it, in sentences. */
  readonly notes: readonly string[];
}

/** Letters, digits and marks of punctuation that are drawn as themselves. A combining mark is shown apart from its letter, as an escape. */
const PLAIN = /^[\p{L}\p{N}\p{Pd}\p{Pc}!"#$%&'()*+,./:;<=>?@[\]^`{|}~€§°·¡¿«» ]$/u;

/** For dialogs, terminals and explanations. Any text: what `parseFolder` refuses is shown too, when a refusal is told. */
export function showFolder(folder: string): Shown {
  const characters = [...folder].map(showCharacter);
  const notes: string[] = [];
  let shown = characters.join('');
  if (characters.length > 2 * END_CHARACTERS) {
    const left = characters.length - 2 * END_CHARACTERS;
    shown = `${characters.slice(0, END_CHARACTERS).join('')} […] ${characters.slice(-END_CHARACTERS).join('')}`;
    notes.push(`The path is long: ${left} characters in its middle are not shown.`);
  }
  const foreign = alphabetsOf(folder).filter((name) => name !== 'Latin');
  if (foreign.length > 0)
    notes.push(`It has ${foreign.join(' and ')} letters, some of which look like Latin ones.`);
  if (characters.some((c) => c.length > 2 && c.startsWith('\\u{')))
    notes.push('It has unusual characters; they are shown as \\u{…}.');
  if (/(?:^|\/) | (?:\/|$)/.test(folder)) notes.push('A name in it begins or ends with a blank.');
  return { text: shown, notes };
}

function showCharacter(c: string): string {
  if (c === '\\') return '\\\\';
  if (PLAIN.test(c) && c.normalize('NFC') === c) return c;
  return `\\u{${(c.codePointAt(0) ?? 0).toString(16)}}`;
}
