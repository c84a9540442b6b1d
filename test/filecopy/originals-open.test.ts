// SPDX-License-Identifier: MIT
// Open-in-VM, ours and the original's, in both directions. Opt-in: docs/ORIGINALS.md.

import assert from 'node:assert/strict';
import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { nodeProgram } from '../helpers/cli.ts';
import { scratch } from '../helpers/places.ts';
import { carry, original, PAIRS, type Program, type Whose } from './originals.ts';

const client = original('NINEFOLD_ORIGINAL_QOPEN_IN_VM');
const editor = original('NINEFOLD_ORIGINAL_VM_FILE_EDITOR');
const needs = { skip: client.skip || editor.skip };

interface Editors {
  env: Record<string, string>;
  editor: Record<Whose, Program>;
}

/**
 * Either editor with a shell script as the application. Theirs looks for one program below /usr/bin and keeps files and a log in /tmp: in a mount namespace of its own,
 * the script lies over the one and a scratch folder over the other.
 */
function editors(top: string, app: string): Editors {
  for (const name of ['bin', 'tmp']) mkdirSync(join(top, name));
  writeFileSync(join(top, 'bin/qubes-open'), `#!/bin/sh\n${app}\n`, { mode: 0o755 });
  const mounts =
    'mount -t overlay overlay -o "lowerdir=$1:/usr/bin" /usr/bin && mount --bind "$2" /tmp && exec "$3"';
  return {
    env: { NINEFOLD_OPENER: join(top, 'bin/qubes-open') },
    editor: {
      ours: nodeProgram('vm-file-editor'),
      theirs: [
        'unshare',
        '-m',
        '/bin/sh',
        '-c',
        mounts,
        'sh',
        join(top, 'bin'),
        join(top, 'tmp'),
        editor.path,
      ],
    },
  };
}

/** Whole seconds are all that theirs looks at. */
const EDIT =
  '{ basename "$1"; cat; } < "$1" > "$1.new" && cat "$1.new" > "$1" && rm "$1.new" && touch -d 2001-01-01 "$1"';

const CASES: readonly (readonly [what: string, app: string, name: string, options: readonly string[]])[] = [
  ['an edit', EDIT, 'a file (1) ü.txt', []],
  ['signs that stay as they are', EDIT, 'x.y-z+@_', []],
  ['a name of 255 bytes', EDIT, `${'n'.repeat(251)}.txt`, []],
  ['no edit', 'true', 'f', []],
  ['only a look', 'cat "$1" > /dev/null', 'f', ['--view-only']],
  ['an edit of what was only to be looked at', EDIT, 'f', ['--view-only']],
  ['emptied', ': > "$1"; touch -d 2001-01-01 "$1"', 'f', []],
  ['grown', 'head -c 300000 /dev/zero >> "$1"; touch -d 2001-01-01 "$1"', 'f', []],
  ['no program for it', 'exit 3', 'f', []],
];

for (const [what, app, name, options] of CASES)
  test(`open, four ways: ${what}`, needs, async (t) => {
    const ends: object[] = [];
    for (const [sender, receiver] of PAIRS) {
      const top = scratch(t, 'open-originals');
      const home = join(top, 'home');
      mkdirSync(home);
      writeFileSync(join(home, name), 'text\n', { mode: 0o640 });
      const { env, editor: made } = editors(top, app);
      const front = sender === 'ours' ? nodeProgram('qopen-in-vm') : [client.path];
      const r = await carry({
        sender: [...front, ...options, '--', name],
        receiver: made[receiver],
        cwd: home,
        env,
      });
      ends.push({
        codes: [r.sender, r.receiver],
        stream: r.stream.toString('latin1'),
        answer: options.length > 0 ? 'dropped' : r.answer.toString('latin1'),
        files: readdirSync(home).map((file) => [file, readFileSync(join(home, file), 'utf8')]),
      });
      // Theirs leaves a changed file readable by its owner alone.
      if (sender === 'ours') assert.equal(statSync(join(home, name)).mode & 0o777, 0o640);
      assert.deepEqual(
        readdirSync(join(top, 'tmp')).filter((file) => file !== 'mimeopen.log'),
        [],
      );
    }
    for (const [i, end] of ends.entries()) assert.deepEqual(end, ends[0], PAIRS[i]?.join(' to '));
  });
