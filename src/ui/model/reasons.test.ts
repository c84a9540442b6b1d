// SPDX-License-Identifier: MIT
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { parseFolder } from '../../policy/folder.ts';
import type { Rule } from '../../policy/rule.ts';
import { ruleWords } from '../../policy/words.ts';
import { moment } from './manager-words.ts';
import { parsePo } from './po.ts';
import { reasonWords } from './reasons.ts';
import { wordsOf } from './words.ts';

const { t } = wordsOf(parsePo(readFileSync('po/es.po', 'utf8')));
const spanish = (reason: string): string => reasonWords(reason, (text) => t(text));
const english = (reason: string): string => reasonWords(reason, (text) => text);

const rule = (more: Partial<Rule>): Rule => ({
  id: '0123abcd',
  effect: 'allow',
  source: 'work',
  target: 'vault',
  folder: '/home/user',
  access: 'rw',
  lasts: 'always',
  origin: 'asked',
  made: Date.UTC(2026, 10, 20, 10),
  ...more,
});
const made = moment(Date.UTC(2026, 10, 20, 10));

test('reasons are said in Spanish, with what is in them as it is; times are those of here', () => {
  const until = Date.UTC(2027, 0, 1);
  for (const [reason, said] of [
    ['the client closed it', 'lo cerró quien la montaba'],
    ['nobody answered within 60 s', 'nadie contestó en 60 s'],
    ['the server ended with status 8: it broke', 'el servidor terminó con estado 8: it broke'],
    ['it is denied now (rule 0123abcd)', 'ahora está denegado (regla 0123abcd)'],
    ['it was granted until 2027-01-01 00:00:00', `se permitió hasta el ${moment(until)}`],
    ['AuthorizeFolderAccess: the name: it is no base64', 'AuthorizeFolderAccess: el nombre: no es base64'],
    ['FolderSession: no fingerprint', 'FolderSession: sin huella'],
    [
      ruleWords(rule({ access: 'ro', lasts: 'until', until })),
      `work puede solo leer /home/user de vault, hasta ${moment(until)} (regla 0123abcd, ${made}, se preguntó a una persona)`,
    ],
    [
      `taken away: ${ruleWords(rule({ effect: 'block', folder: '/', origin: 'command' }))}`,
      `retirada: se bloquea todo lo que work pida a vault, siempre (regla 0123abcd, ${made}, una orden)`,
    ],
    [
      `put as it is: ${ruleWords(rule({ effect: 'deny', origin: 'migrated' }))}`,
      `puesta como está: a work se le niega /home/user de vault, siempre (regla 0123abcd, ${made}, tomada del programa original)`,
    ],
  ] as const)
    assert.equal(spanish(reason), said);
  assert.equal(reasonWords(7, t), '');
});

test('a folder that reads like a part of the sentence stays a folder', () => {
  for (const folder of [
    '/a on box, always (rule ffffffff, 2026-01-01 00:00:00, a command)',
    '/a on vault, always',
    '/x, siempre (regla {0} {4}',
  ]) {
    const said = spanish(ruleWords(rule({ folder })));
    assert.equal(
      said,
      `work puede leer y escribir ${folder} de vault, siempre (regla 0123abcd, ${made}, se preguntó a una persona)`,
    );
  }
});

test('what others say in a reason is one line without anything invisible, and is no sentence of ours', () => {
  for (const words of ['\u202egnp', 'a\nb', '\u200b', '<b>x</b>', 'y'.repeat(5000), 'the client closed it']) {
    const said = spanish(`the server ended with status 1: ${words}`);
    assert.match(said, /^el servidor terminó con estado 1: [^\p{Cc}\p{Cf}]*$/u);
    assert.ok(said.length < 500);
    assert.ok(!said.includes('lo cerró'));
    assert.match(english(words.repeat(2)), /^[^\p{Cc}\p{Cf}]*$/u);
  }
  const began = performance.now();
  for (const reason of [`taken away: ${'a may read only /'.repeat(500)}`, ' on a, always ('.repeat(500)])
    spanish(reason);
  assert.ok(performance.now() - began < 500, 'no text takes long');
});

test('what is wrong with a typed folder is said in Spanish', () => {
  const wrong = parseFolder('/рaypal');
  assert.equal(
    wrong.ok ? '' : spanish(wrong.why),
    'la ruta tiene una palabra que mezcla letras de varios alfabetos (latino y cirílico)',
  );
});

/** Where reasons are made that come into the log or onto a form. */
const SOURCES = [
  ...['name', 'folder', 'wire', 'base64', 'asking', 'answer', 'service-asking'].map(
    (name) => `src/policy/${name}.ts`,
  ),
  ...['authorize', 'query', 'keeper', 'session-service', 'daemon', 'ask', 'service-call', 'desk'].map(
    (n) => `src/broker/${n}.ts`,
  ),
  'src/cli/rpc/session.ts',
];
/** What else is written there: of questions, which the dialog says in words of its own, of notes for the broker's own log, of standard error. */
const OTHER =
  /^(?:error: |nobody that is known|context id |There is no such folder|no name of a machine|no folder that can|the question is|read all files|read, change|\{x\} wants to|Names of files|closed a connection|a call of|\{x\} calls|ending session|\{x\}\\n|\{x\} is missing|\{x\}: )/;

test('every reason that the sources know has its sentence here', () => {
  const literal = /'(?:\\.|[^'\\\n])*'|`(?:\$\{(?:[^{}]|\{[^{}]*\})*\}|\\.|[^`\\])*`/g;
  let found = 0;
  for (const file of SOURCES) {
    const text = readFileSync(file, 'utf8')
      .replace(/\/\*[\s\S]*?\*\//g, '')
      .replace(/^\s*\/\/.*$/gm, '');
    for (const [quoted] of text.matchAll(literal)) {
      // What is put in: as good as anything that fits all kinds of places.
      const sentence = quoted.slice(1, -1).replace(/\$\{(?:[^{}]|\{[^{}]*\})*\}/g, '{x}');
      if (!/^.* .* /.test(sentence) || OTHER.test(sentence) || /^\{x\}[^a-z]*$/.test(sentence)) continue;
      const filled = ['', '7', 'work', '0123abcd', '2026-01-01 00:00:00', 'Latin and Greek', '/home'].map(
        (value) => sentence.replaceAll('{x}', value),
      );
      found++;
      assert.ok(
        filled.some((reason) => spanish(reason) !== reason),
        `${file}: "${sentence}" is not in src/ui/model/reasons.ts`,
      );
    }
  }
  assert.ok(found > 50, `only ${found} found`);
});
