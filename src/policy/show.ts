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

/** Letters, digits and marks of punctuation that are drawn as themselves. A combining mark is shown apart from its letter, as an escape; so is a form of another letter or digit (wide, mathematical, a ligature), which reads as that. */
const PLAIN = /^[\p{L}\p{N}\p{Pd}\p{Pc}!"#$%&'()*+,./:;<=>?@[\]^`{|}~€§°·¡¿«» ]$/u;

/** Letters that are written from right to left: what stands between two of them would be drawn in another order. */
const RIGHT_TO_LEFT =
  /[\p{Script=Hebrew}\p{Script=Arabic}\p{Script=Syriac}\p{Script=Thaana}\p{Script=Nko}\p{Script=Adlam}\p{Script=Samaritan}\p{Script=Mandaic}\p{Script=Hanifi_Rohingya}\p{Script=Mende_Kikakui}]/u;

export const hasRightToLeft = (text: string): boolean => RIGHT_TO_LEFT.test(text);

export const RIGHT_TO_LEFT_NOTE = 'It has letters that are written from right to left.';

/** For dialogs, terminals and explanations. Any text: what `parseFolder` refuses is shown too, when a refusal is told. */
export function showFolder(folder: string): Shown {
  const characters = charactersOf(folder);
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
  if (hasRightToLeft(folder)) notes.push(RIGHT_TO_LEFT_NOTE);
  if (/(?:^|\/) | (?:\/|$)/.test(folder)) notes.push('A name in it begins or ends with a blank.');
  return { text: shown, notes };
}

/**
 * A folder with nothing left out, for who has the room. As `showFolder`, it hides nothing and is no markup. A blank that stands at the edge of a name or beside another is an escape
 * too: it could push the rest out of sight, or to where it reads as something else.
 */
export const showWhole = (folder: string): string =>
  charactersOf(folder)
    .join('')
    .replace(/(?<=^|[ /]) | (?=$|[ /])/g, '\\u{20}');

/** Any other text from elsewhere. A backslash stays one: nobody takes it for part of a path. */
export const showText = (text: string): string =>
  [...text].map((c) => (c === '\\' || c === '…' ? c : showCharacter(c))).join('');

const charactersOf = (text: string): string[] => [...text].map(showCharacter);

/** Drawn as nothing, although some of them count as letters. */
const NOT_DRAWN = /\p{Default_Ignorable_Code_Point}/u;

function showCharacter(c: string): string {
  if (c === '\\') return '\\\\';
  if (PLAIN.test(c) && !NOT_DRAWN.test(c) && c.normalize('NFKC') === c) return c;
  return `\\u{${(c.codePointAt(0) ?? 0).toString(16)}}`;
}
