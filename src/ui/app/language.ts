// SPDX-License-Identifier: MIT

import GLib from 'gi://GLib?version=2.0';
import { parsePo } from '../model/po.ts';
import { type Words, wordsOf } from '../model/words.ts';

/** Language → the text of its po file; put in by the build. */
declare const NINEFOLD_CATALOGS: Readonly<Record<string, string>>;

/** In the first of the person's languages (LANGUAGE, LC_ALL, LC_MESSAGES, LANG) that there is a translation for; else English. */
export function wordsOfPerson(): Words {
  for (const name of GLib.get_language_names()) {
    if (name === 'en' || name === 'C') break;
    const text = NINEFOLD_CATALOGS[name];
    if (text !== undefined) return wordsOf(parsePo(text));
  }
  return wordsOf();
}
