// SPDX-License-Identifier: MIT
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { parseAnswer } from '../../../policy/answer.ts';
import { parseQuestion, type Question, questionOf, ruleOf } from '../../../policy/asking.ts';
import {
  type AskedService,
  type ServiceQuestion,
  serviceQuestionOf,
} from '../../../policy/service-asking.ts';
import { showWhole } from '../../../policy/show.ts';
import { parsePo } from '../po.ts';
import { ENGLISH, wordsOf } from '../words.ts';
import { answerOf, type Choice, type TERMS } from './answer.ts';
import { formatLast, MACHINES_MAX, parseLast, withShown } from './last.ts';
import { isolated, piecesOf } from './path.ts';
import { serviceViewOf } from './service-view.ts';
import { viewOf } from './view.ts';

const SPANISH = wordsOf(parsePo(readFileSync('po/es.po', 'utf8')));

const question = (more: Partial<Question> = {}): Question => ({
  ...questionOf(
    { source: 'work', target: 'vault', folder: more.folder ?? '/home/user', access: more.access ?? 'rw' },
    { disposable: false, patience: 60, refusedMeanwhile: 0 },
  ),
  ...more,
});

test('each choice is an answer that the broker takes, and gives no more than was asked for', () => {
  const now = new Date(2026, 2, 10, 22, 30);
  const allow = (access: 'ro' | 'rw', term: (typeof TERMS)[number]): Choice => ({
    kind: 'allow',
    access,
    term,
  });
  const expected: [Choice, object][] = [
    [{ kind: 'deny' }, { answer: 'deny' }],
    [{ kind: 'deny-always' }, { answer: 'deny', lasts: 'always' }],
    [{ kind: 'block' }, { answer: 'block' }],
    [allow('ro', 'once'), { answer: 'allow', access: 'ro', lasts: 'once' }],
    [allow('rw', 'hour'), { answer: 'allow', access: 'rw', lasts: 'until', seconds: 3600 }],
    [allow('rw', 'tomorrow'), { answer: 'allow', access: 'rw', lasts: 'until', seconds: 5400 }],
    [allow('rw', 'always'), { answer: 'allow', access: 'rw', lasts: 'always' }],
  ];
  const facts = { id: '00000000', now: 0, origin: 'asked' as const };
  for (const [choice, answer] of expected) {
    assert.deepEqual(answerOf(question(), choice, now), { version: 1, ...answer });
    for (const access of ['ro', 'rw'] as const)
      for (const disposable of [false, true]) {
        const lasts = disposable ? (['once'] as const) : question().lasts;
        const q = question({ access, lasts });
        const parsed = parseAnswer(JSON.stringify(answerOf(q, choice, now)));
        assert.ok(parsed.ok);
        const rule = ruleOf(q, parsed.value, { ...facts, disposable });
        assert.ok(rule.ok, `${JSON.stringify(choice)} ${access} ${disposable}`);
      }
  }
  // The last moment of a day is one second, not none.
  const last = answerOf(question(), allow('ro', 'tomorrow'), new Date(2026, 2, 10, 23, 59, 59, 999));
  assert.equal(last.seconds, 1);
});

test('a question is checked again: names, folder, every member; what a later version adds is left out', () => {
  const good = JSON.parse(JSON.stringify(question())) as Record<string, unknown>;
  assert.ok(parseQuestion(JSON.stringify({ ...good, later: 1, waiting: 3 })).ok);
  for (const bad of [
    { version: 3 },
    { source: 'a b' },
    { target: 'dom0' },
    { folder: '/a\u202eb' },
    { folder: '/a\nb' },
    { folder: '/a/../b' },
    { access: 'rx' },
    { notes: 'x' },
    { lasts: ['ever'] },
    { patience: 0 },
    { refusedMeanwhile: -1 },
    { waiting: 'x' },
    { shown: undefined },
  ]) {
    const parsed = parseQuestion(JSON.stringify({ ...good, ...bad }));
    assert.ok(!parsed.ok, JSON.stringify(bad));
    assert.match(parsed.why, new RegExp(`"${Object.keys(bad)[0]}`));
  }
  assert.ok(!parseQuestion('').ok);
});

test('a question about files: who, whom, and what comes of it; a yes is for this time', () => {
  const asked = (service: AskedService, more = ''): ServiceQuestion => {
    const request = { source: 'work', target: 'vault', service: `${service}${more}` };
    return serviceQuestionOf(request, service, { patience: 60, refusedMeanwhile: 0, waiting: 0 });
  };
  for (const service of ['qubes.Filecopy', 'qubes.OpenInVM'] as const) {
    const parsed = parseQuestion(JSON.stringify(asked(service)));
    assert.ok(parsed.ok && parsed.value.version === 2);
    for (const words of [ENGLISH, SPANISH]) {
      const view = serviceViewOf(parsed.value, words);
      assert.match(view.heading, /work.*vault/);
      assert.deepEqual(
        [view.who.value, view.whose.value, view.which, view.access, view.term, view.buttons.never],
        ['work', 'vault', undefined, undefined, undefined, undefined],
      );
    }
    assert.notEqual(
      serviceViewOf(parsed.value, SPANISH).heading,
      serviceViewOf(parsed.value, ENGLISH).heading,
    );
  }
  const odd = serviceViewOf(asked('qubes.Filecopy', '+allow-all-names'), SPANISH);
  assert.deepEqual(odd.notes, ['Los nombres de los archivos pueden tener cualquier carácter.']);
  // Whatever else a window might have offered: it is this time, or no.
  const choices: readonly (readonly [Choice, object])[] = [
    [{ kind: 'allow', access: 'rw', term: 'always' }, { answer: 'allow' }],
    [{ kind: 'deny' }, { answer: 'deny' }],
    [{ kind: 'deny-always' }, { answer: 'deny' }],
    [{ kind: 'block' }, { answer: 'block' }],
  ];
  for (const [choice, answer] of choices)
    assert.deepEqual(answerOf(asked('qubes.OpenInVM'), choice, new Date(0)), { version: 1, ...answer });
  for (const bad of [{ service: 'shell' }, { target: 'dom0' }, { sentence: 1 }, { version: 1 }])
    assert.equal(
      parseQuestion(JSON.stringify({ ...asked('qubes.Filecopy'), ...bad })).ok,
      false,
      JSON.stringify(bad),
    );
});

test('the whole path, whatever is in it, and never cut', () => {
  const whole = (folder: string): string =>
    piecesOf(folder, undefined)
      .map((p) => p.text)
      .join('');
  const long = `/${'x'.repeat(4000)}/end`;
  assert.equal(whole(long), long);
  assert.equal(whole('/<b>a</b>&amp;%s'), '/<b>a</b>&amp;%s');
  assert.equal(whole('/a\u202eb\n\u200b\u3164'), '/a\\u{202e}b\\u{a}\\u{200b}\\u{3164}');
  assert.equal(whole('/e\u0301'), '/e\\u{301}');
  // A blank in a name is one; those that hide the rest, or themselves, are told.
  assert.equal(whole('/my files'), '/my files');
  assert.equal(whole('/a    b/ c/d '), '/a\\u{20}\\u{20}\\u{20}\\u{20}b/\\u{20}c/d\\u{20}');
  assert.equal(showWhole('/'), '/');
});

test('names that run from right to left stay where they are in the path', () => {
  assert.equal(isolated('/home/my files'), '/home/my files');
  assert.equal(
    isolated('/home/\u05d0\u05d1/\u05d2/x'),
    '/home/\u2066\u05d0\u05d1\u2069/\u2066\u05d2\u2069/x',
  );
  const view = viewOf(question({ folder: '/\u05d0\u05d1' }), undefined, ENGLISH);
  assert.deepEqual(view.notes, ['It has letters that are written from right to left.']);
});

/** Path, the last one, what is marked between [ ]. */
const MARKS: readonly (readonly [string, string | undefined, string])[] = [
  ['/home/user/docs', undefined, '/home/user/docs'],
  ['/home/user/docs', '/home/user/docs', '/home/user/docs'],
  ['/home/user/d0cs', '/home/user/docs', '/home/user[/d0cs]'],
  ['/home/user/d0cs/x', '/home/user/docs/x', '/home/user[/d0cs]/x'],
  ['/home/user/docs/x', '/home/user/docs', '/home/user/docs[/x]'],
  ['/home/user', '/home/user/docs', '/home/user'],
  ['/a/a', '/a', '/a[/a]'],
  ['/x', '/home/user', '[/x]'],
  ['/', '/home', '[/]'],
];

test('what differs from the last path is marked, by whole names, and said in words too', () => {
  for (const [folder, last, marked] of MARKS) {
    const pieces = piecesOf(folder, last);
    assert.equal(pieces.map((p) => (p.changed ? `[${p.text}]` : p.text)).join(''), marked);
    const { legend } = viewOf(question({ folder }), last, ENGLISH);
    if (last === undefined) assert.equal(legend, undefined);
    else if (last === folder) assert.match(legend ?? '', /The same/);
    else assert.match(legend ?? '', marked.includes('[') ? /Underlined/ : /that one was longer/);
  }
});

test('the file of what was shown last: kept, bounded, and no file of ours is as none', () => {
  let last = parseLast('');
  for (let i = 0; i < MACHINES_MAX + 5; i++) last = withShown(last, `m${i}`, `/${i}`);
  last = withShown(last, 'm50', '/again');
  assert.deepEqual(
    [last.size, last.has('m4'), last.has('m5'), [...last].at(-1)],
    [100, false, true, ['m50', '/again']],
  );
  assert.deepEqual([...parseLast(formatLast(last))], [...last]);
  for (const bad of [
    'x',
    'null',
    '[]',
    '{"version":2,"folders":[]}',
    '{"version":1,"folders":[["a"]]}',
    '{"version":1,"folders":[1]}',
  ])
    assert.equal(parseLast(bad).size, 0, bad);
});

test('what the broker notes is said in the person\u2019s language; what is not known is shown and hides nothing', () => {
  const notes = [
    'The path is long: 55 characters in its middle are not shown.',
    'It has Greek and Cyrillic letters, some of which look like Latin ones.',
    'A name in it begins or ends with a blank.',
    'New: <b>\u202e\n',
  ];
  const q = question({ notes, refusedMeanwhile: 1 });
  assert.deepEqual(viewOf(q, undefined, ENGLISH).notes, [
    ...notes.slice(1, 3),
    'New: <b>\\u{202e}\\u{a}',
    'One more request of work was refused without asking.',
  ]);
  assert.deepEqual(viewOf(q, undefined, SPANISH).notes, [
    'Tiene letras de otro alfabeto (griego y cirílico), algunas de las cuales parecen latinas.',
    'Uno de sus nombres empieza o termina con un espacio.',
    'New: <b>\\u{202e}\\u{a}',
    'Se rechazó sin preguntar una petición más de work.',
  ]);
});

test('the line above the buttons: the seconds, who waits, what was not seen yet', () => {
  const [english, spanish] = [ENGLISH, SPANISH].map((words) => viewOf(question(), undefined, words).status);
  assert.equal(english?.(59, 0, true), 'Refused in 59 seconds');
  assert.equal(english?.(1, 1, true), 'Refused in one second · one more question waits');
  assert.equal(
    spanish?.(2, 3, false),
    'Se deniega en 2 segundos · esperan otras 3 preguntas · para permitir, desplácese hasta el final (Av Pág)',
  );
});

test('every note that the rules can make of a folder has its translation', () => {
  for (const folder of [
    '/Документы',
    '/Ελλάδα',
    '/a/ b',
    '/e\u0301',
    `/${'x'.repeat(250)}/${'y'.repeat(50)}`,
  ]) {
    const q = question({ folder });
    assert.ok(q.notes.length > 0, folder);
    const said = viewOf(q, undefined, SPANISH).notes;
    for (const note of said) assert.ok(!q.notes.includes(note), note);
  }
});

test('what is not offered is greyed out, with the reason', () => {
  const all = viewOf(question(), undefined, ENGLISH);
  assert.ok([...all.access.options, ...all.term.options].every((o) => o.enabled));
  assert.deepEqual([all.access.reason, all.term.reason], [undefined, undefined]);
  const few = viewOf(question({ access: 'ro', lasts: ['once'] }), undefined, ENGLISH);
  assert.deepEqual(
    few.access.options.map((o) => o.enabled),
    [true, false],
  );
  assert.deepEqual(
    few.term.options.map((o) => o.enabled),
    [true, false, false, false],
  );
  assert.match(few.term.reason ?? '', /disposable/);
  assert.match(few.access.reason ?? '', /Reading is all/);
});
