// SPDX-License-Identifier: MIT

/** What is written in English → one string, or one for each form of the plural. */
export interface Catalog {
  readonly strings: ReadonlyMap<string, readonly string[]>;
  /** Which form a number takes. */
  form(count: number): number;
}

/** The rules of plural that there are translations for. */
const FORMS: Readonly<Record<string, (n: number) => number>> = {
  '0': () => 0,
  'n != 1': (n) => (n === 1 ? 0 : 1),
  'n > 1': (n) => (n > 1 ? 1 : 0),
};

/**
 * Reads a po file of gettext: msgid, msgid_plural, msgstr, comments. Entries that are fuzzy or empty are left out, so that the English is shown. Throws an Error that names the
 * line; the tests read every file of po/.
 */
export function parsePo(text: string): Catalog {
  const strings = new Map<string, readonly string[]>();
  let id = '';
  let forms: string[] = [];
  let fuzzy = false;
  let append: ((more: string) => void) | undefined;
  const finish = (): void => {
    if (append !== undefined && !fuzzy && forms.length > 0 && forms.every((f) => f !== ''))
      strings.set(id, forms);
    [id, forms, fuzzy, append] = ['', [], false, undefined];
  };
  for (const [i, line] of text.split('\n').entries()) {
    if (line.startsWith('#~')) continue;
    if (line.startsWith('#')) {
      if (forms.length > 0) finish();
      if (/^#,.*\bfuzzy\b/.test(line)) fuzzy = true;
      continue;
    }
    if (line.trim() === '') continue;
    const found = /^(?:(msgid|msgid_plural|msgstr|msgstr\[([0-9])\]) )?(".*")$/.exec(line);
    if (found === null) throw new Error(`line ${i + 1} of the translation is not understood: ${line}`);
    const [, word, index, quoted] = found;
    if (word === 'msgid') {
      if (forms.length > 0) finish();
      append = (more) => {
        id += more;
      };
    } else if (word === 'msgid_plural') append = () => {};
    else if (word !== undefined) {
      const at = Number(index ?? 0);
      forms[at] = '';
      append = (more) => {
        forms[at] += more;
      };
    }
    // A po file escapes as JSON does.
    append?.(JSON.parse(quoted ?? '""') as string);
  }
  finish();
  const head = strings.get('')?.[0] ?? '';
  strings.delete('');
  const rule = /^Plural-Forms:.*plural=\(?([^;)]*)\)?;/m.exec(head)?.[1]?.trim() ?? 'n != 1';
  const form = FORMS[rule];
  if (form === undefined) throw new Error(`the rule of plural "${rule}" is not known`);
  return { strings, form };
}
