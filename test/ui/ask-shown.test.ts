// SPDX-License-Identifier: MIT
// What a person reads, whatever the other machine calls its folders.
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { ask, type Dialog, desktopOfFile, launch, needsDesktop, question } from './dialog.ts';

const desktop = await desktopOfFile();
const WHICH = 'Which folder, with all below it';

/** The path as it is drawn and as it is read out, and all other texts. */
async function read(dialog: Dialog): Promise<{ drawn: string; said: string; texts: string[] }> {
  const d = desktop();
  const path = await d.find(dialog.pid, (s) => s.name.startsWith(`${WHICH}: `), 'the path');
  const tree = await d.tree(dialog.pid);
  d.xdotool('key', 'Escape');
  assert.deepEqual(await dialog.answer(), { version: 1, answer: 'deny' });
  return {
    drawn: path.text ?? '',
    said: path.name.slice(WHICH.length + 2),
    texts: tree.map((s) => s.text ?? '').filter((text) => text !== ''),
  };
}

/** A folder, and how it is read; without the second: as it is. */
const FOLDERS: readonly (readonly [string, string?])[] = [
  ['/home/<b>user</b>/<span foreground="white">x'],
  ['/home/&amp;&lt;_u %s %n {source} $& `id`'],
  ['/home/<a href="x">click</a>'],
  ['/it\'s "quoted"'],
  ['/a\\u{41}', '/a\\\\u{41}'],
  ['/home/e\u0301', '/home/e\\u{301}'],
  ['/a   b', '/a\\u{20}\\u{20}\\u{20}b'],
  ['/Документы/docs'],
  [`/${Array.from({ length: 16 }, () => 'n'.repeat(249)).join('/')}`],
];

for (const [folder, expected = folder] of FOLDERS)
  test(`shown as it is: ${folder.slice(0, 50)}`, needsDesktop, async (t) => {
    const { drawn, said } = await read(await ask(t, desktop(), question({ folder })));
    assert.equal(drawn, expected);
    assert.equal(said, expected);
  });

test(
  'names from right to left keep their places; nothing that is not seen is said',
  needsDesktop,
  async (t) => {
    const folder = '/home/\u05d0\u05d1/\u05d2\u05d3/x';
    const { drawn, said, texts } = await read(await ask(t, desktop(), question({ folder })));
    assert.equal(drawn, '\u200e/home/\u2066\u05d0\u05d1\u2069/\u2066\u05d2\u05d3\u2069/x');
    assert.equal(said, folder);
    assert.ok(texts.includes('It has letters that are written from right to left.'));
  },
);

test('a screen reader hears what is asked with the button that has the focus', needsDesktop, async (t) => {
  const dialog = await ask(
    t,
    desktop(),
    question({ folder: '/home/\u05d0', notes: ['A name in it begins or ends with a blank.'] }),
  );
  const deny = await desktop().named(dialog.pid, 'push button', 'Deny');
  assert.ok(deny.states.includes('focused'));
  assert.equal(
    deny.description,
    [
      '“work” asks for a folder of “vault”',
      `${WHICH}: /home/\u05d0`,
      'A name in it begins or ends with a blank.',
      'It has letters that are written from right to left.',
    ].join('\n'),
  );
  await read(dialog);
});

test('notes from elsewhere are one line of text', needsDesktop, async (t) => {
  const notes = ['a\nb', '\u202eevil <b>bold</b>', `${'long '.repeat(200)}`];
  const { texts } = await read(await ask(t, desktop(), question({ notes })));
  assert.ok(texts.includes('a\\u{a}b'));
  assert.ok(texts.includes('\\u{202e}evil <b>bold</b>'));
  assert.ok(texts.includes('long '.repeat(100)), 'cut at 500 characters');
});

test(
  'what is no question, or asks for what no rule can be about, is refused without a window',
  needsDesktop,
  async (t) => {
    for (const asked of [
      '',
      '{"version":1}',
      '\xff',
      question({ folder: '/a\u202eb' }),
      { ...question(), source: 'work\nvault' },
      { ...question(), folder: '/a/../etc' },
    ]) {
      const ran = await launch(t, desktop(), asked).ended;
      assert.deepEqual([ran.code, ran.stdout], [65, ''], ran.stderr);
      assert.match(ran.stderr, /^ninefold-ask: the question is (no JSON|wrong at "[a-z]+").*\n$/);
    }
  },
);

test(
  'what is new since the last request of the same machine is said; a bad file of that is none',
  needsDesktop,
  async (t) => {
    const d = desktop();
    const env = { XDG_STATE_HOME: join(d.dir, 'state-of-marks') };
    const file = join(env.XDG_STATE_HOME, 'ninefold/asked.json');
    const legend = async (folder: string, source = 'work'): Promise<string[]> => {
      const { texts } = await read(await ask(t, d, question({ folder, source }), env));
      return texts.filter((text) => /^(Underlined|The same|Not the last)/.test(text));
    };
    assert.deepEqual(await legend('/home/user/docs'), []);
    assert.deepEqual(await legend('/home/user/d0cs'), [
      'Underlined: not the same as the last folder that work asked for.',
    ]);
    assert.deepEqual(await legend('/home/user', 'other'), []);
    assert.deepEqual(JSON.parse(readFileSync(file, 'utf8')), {
      version: 1,
      folders: [
        ['work', '/home/user/d0cs'],
        ['other', '/home/user'],
      ],
    });
    writeFileSync(file, '{"version":1,"folders":[["work",1]]}');
    assert.deepEqual(await legend('/home/user/docs'), []);
    // A folder in its place: nothing is kept, and all the same it is asked.
    const odd = join(d.dir, 'state-of-folder');
    mkdirSync(join(odd, 'ninefold/asked.json'), { recursive: true });
    await read(await ask(t, d, question(), { XDG_STATE_HOME: odd }));
    assert.ok(existsSync(join(odd, 'ninefold/asked.json')));
  },
);

test('in Spanish', needsDesktop, async (t) => {
  const d = desktop();
  const dialog = await ask(
    t,
    d,
    question({ lasts: ['once'] }),
    { LANGUAGE: 'es_MX:es' },
    'Acceso a una carpeta',
  );
  for (const name of ['Denegar', 'Permitir', 'Denegar y recordarlo', 'Bloquear work'])
    await d.named(dialog.pid, 'push button', name);
  const always = await d.named(dialog.pid, 'radio button', 'Siempre');
  assert.match(always.description, /desechable/);
  await d.press(dialog.pid, 'push button', 'Denegar');
  assert.deepEqual(await dialog.answer(), { version: 1, answer: 'deny' });
});
