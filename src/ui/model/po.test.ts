// SPDX-License-Identifier: MIT
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { parsePo } from './po.ts';
import { ENGLISH, wordsOf } from './words.ts';

const LITERAL = String.raw`'(?:\\.|[^'\\])*'`;
const CALL = new RegExp(String.raw`\b(?:t|n|_|N_)\(\s*(${LITERAL})(?:,\s*(${LITERAL}))?`, 'g');
const textOf = (literal: string): string =>
  JSON.parse(`"${literal.slice(1, -1).replaceAll("\\'", "'").replaceAll('"', '\\"')}"`) as string;

/** What the sources give to `t`, `_` and `n`: the text, and its plural. */
function inSources(): Map<string, string | undefined> {
  const found = new Map<string, string | undefined>();
  for (const file of readdirSync('src/ui', { recursive: true, encoding: 'utf8' })) {
    if (!file.endsWith('.ts') || file.endsWith('.test.ts')) continue;
    for (const [call, text = '', plural] of readFileSync(join('src/ui', file), 'utf8').matchAll(CALL))
      found.set(textOf(text), call.startsWith('n') && plural !== undefined ? textOf(plural) : undefined);
  }
  return found;
}

const places = (text: string): string[] => (text.match(/\{[a-z0-9]+\}/g) ?? []).sort();

for (const file of readdirSync('po').filter((f) => f.endsWith('.po')))
  test(`${file} has every text of the windows, no other, and the same places for values in each`, () => {
    const catalog = parsePo(readFileSync(join('po', file), 'utf8'));
    const sources = inSources();
    assert.ok(sources.size > 20);
    assert.deepEqual([...catalog.strings.keys()].sort(), [...sources.keys()].sort());
    for (const [text, plural] of sources) {
      const forms = catalog.strings.get(text) ?? [];
      assert.equal(forms.length, plural === undefined ? 1 : 2, text);
      assert.deepEqual(places(forms.at(-1) ?? ''), places(plural ?? text), text);
    }
  });

const msgfmt = spawnSync('msgfmt', ['--version']).error === undefined;
test('gettext itself finds the po files right', msgfmt ? {} : { skip: 'needs the package gettext' }, () => {
  for (const file of readdirSync('po').filter((f) => f.endsWith('.po'))) {
    const r = spawnSync('msgfmt', ['--check', '-o', '/dev/null', join('po', file)], { encoding: 'utf8' });
    assert.equal(r.status, 0, r.stderr);
  }
});

test('po: several lines, escapes, plurals; fuzzy, obsolete and empty ones are left out', () => {
  const { t, n } = wordsOf(
    parsePo(`msgid ""
msgstr ""
"Plural-Forms: nplurals=2; plural=(n > 1);\\n"

#. a comment
msgid "one "
"line"
msgstr "una \\"línea\\"\\n"
#, fuzzy
msgid "unsure"
msgstr "seguro"
msgid "empty"
msgstr ""
msgid "{count} file"
msgid_plural "{count} files"
msgstr[0] "{count} fichero"
msgstr[1] "{count} ficheros"
#~ msgid "gone"
#~ msgstr "ido"
`),
  );
  assert.deepEqual(
    [t('one line'), t('unsure'), t('empty'), t('gone')],
    ['una "línea"\n', 'unsure', 'empty', 'gone'],
  );
  assert.deepEqual(
    [0, 1, 2].map((count) => n('{count} file', '{count} files', count)),
    ['0 fichero', '1 fichero', '2 ficheros'],
  );
  assert.throws(() => parsePo('msgid "a"\nmsgstr nothing\n'), /line 2/);
  assert.throws(
    () => parsePo('msgid ""\nmsgstr "Plural-Forms: nplurals=3; plural=(n%10==1);\\n"\n'),
    /rule of plural/,
  );
});

test('a value is put in as it is: what it contains is no place for another', () => {
  assert.equal(ENGLISH.t('{a} of {b}', { a: '{b}', b: '$&' }), '{b} of $&');
  assert.equal(ENGLISH.t('{constructor}', {}), '{constructor}');
  assert.equal(ENGLISH.n('one', '{count} of {a}', 2, { a: '{count}' }), '2 of {count}');
});
