// SPDX-License-Identifier: MIT
// What a move says when it cannot remove what it has sent, or cannot keep a list of it.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { nodeProgram, type Ran, run } from '../helpers/cli.ts';
import { program, scratch } from '../helpers/places.ts';

const root = process.geteuid?.() === 0;
/** Whom permissions hold for. */
const user = root ? { uid: 65_534 } : {};

interface Desk {
  from: string;
  incoming: string;
  move(names: readonly string[], env?: Record<string, string>): Promise<Ran>;
}

/** Two folders of `user`. */
function desk(t: { after(fn: () => void): void }): Desk {
  let top = '';
  // Before the folder is removed, for who is not root.
  t.after(() => execFileSync('chmod', ['-R', 'u+rwx', top]));
  top = scratch(t, 'move');
  const [from, incoming] = [join(top, 'from'), join(top, 'in')];
  chmodSync(top, 0o755);
  for (const dir of [from, incoming]) own(dir);
  const receiver = `exec:exec '${process.execPath}' '${program('ninefold')}' receive --stdio --sandbox none '${incoming}'`;
  const move = (names: readonly string[], env: Record<string, string> = {}): Promise<Ran> =>
    run(nodeProgram('ninefold', 'move', ...names, receiver), { ...user, cwd: from, env });
  return { from, incoming, move };
}

/** A folder, or a file with those contents. */
function own(path: string, text?: string): void {
  if (text === undefined) mkdirSync(path);
  else writeFileSync(path, text);
  if (root) chownSync(path, 65_534, 65_534);
}

test('what cannot be removed is named, and the move ends with 77', async (t) => {
  const d = desk(t);
  own(join(d.from, 'ro'));
  own(join(d.from, 'ro/f'), 'f');
  own(join(d.from, 'g'), 'g');
  chmodSync(join(d.from, 'ro'), 0o555);
  const r = await d.move(['ro', 'g']);
  assert.equal(r.code, 77, r.stderr);
  assert.match(r.stderr, /kept "ro\/f" here: .*\(EACCES\)/);
  assert.match(r.stderr, /kept "ro" here: it holds what was not sent/);
  assert.match(r.stderr, /could not remove 1 of what was moved: /);
  assert.deepEqual(readdirSync(d.from), ['ro']);
  assert.deepEqual(readdirSync(d.incoming).sort(), ['g', 'ro']);
});

test('TMPDIR that is empty, gone, or not a folder: the list of a move is kept elsewhere', async (t) => {
  const d = desk(t);
  for (const TMPDIR of ['', '/nonexistent', '/dev/null']) {
    own(join(d.from, 'f'), 'f');
    const r = await d.move(['f'], { TMPDIR });
    assert.equal(r.code, 0, r.stderr);
    assert.deepEqual([readdirSync(d.from), readFileSync(join(d.incoming, 'f'), 'utf8')], [[], 'f']);
    assert.ok(lstatSync(join(d.incoming, 'f')).isFile());
    await run(['rm', join(d.incoming, 'f')]);
  }
});
