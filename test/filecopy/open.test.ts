// SPDX-License-Identifier: MIT
// Open-in-VM, both sides as programs, joined by the stand-in for qrexec-client-vm; the "application" is a script of the test's.

import assert from 'node:assert/strict';
import {
  lstatSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { ninefold, nodeProgram, run } from '../helpers/cli.ts';
import { scratch } from '../helpers/places.ts';
import { desk, EDITOR, nothingLeft } from './desk.ts';

test('an edit comes back: in one step, with the mode kept, and through a link to the file behind it', async (t) => {
  const d = desk(t, 'echo more >> "$1"');
  const file = d.file('a b.txt', 'text\n');
  symlinkSync('a b.txt', join(d.dir, 'a link.odt'));
  const r = await d.open(['work', join(d.dir, 'a link.odt')]);
  assert.equal(r.code, 0, r.stderr);
  assert.equal(readFileSync(file, 'utf8'), 'text\nmore\n');
  assert.equal(statSync(file).mode & 0o777, 0o640);
  assert.ok(lstatSync(join(d.dir, 'a link.odt')).isSymbolicLink());
  assert.deepEqual(readdirSync(d.dir).sort(), ['a b.txt', 'a link.odt']);
  assert.match(
    readFileSync(join(d.top, 'opened'), 'utf8'),
    /\/a_link\.odt$/m,
    'the name is the one that was given',
  );
  await nothingLeft(d);
});

test('an edit within the second of the receipt comes back; a touch alone does not', async (t) => {
  const edit = desk(t, `printf 'TEXT' > "$1.new" && touch -r "$1" "$1.new" && mv "$1.new" "$1"`);
  const file = edit.file('f', 'text');
  assert.equal((await edit.open(['work', file])).code, 0);
  assert.equal(
    readFileSync(file, 'utf8'),
    'TEXT',
    'an editor that saves by renaming, with the same time and length',
  );
  const touch = desk(t, 'touch -d 2001-01-01 "$1"');
  const same = touch.file('f', 'text');
  const before = statSync(same, { bigint: true });
  assert.equal((await touch.open(['work', same])).code, 0);
  assert.equal(statSync(same, { bigint: true }).ino, before.ino);
  assert.deepEqual(readdirSync(touch.dir), ['f']);
});

test('--view-only: what was done there stays there', async (t) => {
  const d = desk(t, 'stat -c %a "$1" > "$HOME_OF_TEST/../mode"; chmod 600 "$1"; echo more >> "$1"');
  const file = d.file('f', 'text');
  assert.equal((await d.open(['--view-only', 'work', file])).code, 0);
  assert.equal(readFileSync(file, 'utf8'), 'text');
  assert.equal(readFileSync(join(d.top, 'mode'), 'utf8'), '400\n');
  await nothingLeft(d);
});

test('changed here meanwhile: both are kept', async (t) => {
  const d = desk(t, 'echo theirs >> "$1"; echo ours >> "$HOME_OF_TEST/f.txt"');
  const file = d.file('f.txt', '');
  writeFileSync(file, 'text\n');
  const r = await d.open(['work', file]);
  assert.equal(r.code, 0);
  assert.match(r.stderr, /was changed here meanwhile, and stays: the edited copy is .*f\.edited\.txt/);
  assert.equal(readFileSync(file, 'utf8'), 'text\nours\n');
  assert.equal(readFileSync(join(d.dir, 'f.edited.txt'), 'utf8'), 'text\ntheirs\n');
  assert.deepEqual(readdirSync(d.dir).sort(), ['f.edited.txt', 'f.txt']);
});

test('a disposable that dies mid-edit, before or within its reply: the file is as it was, and that is said', async (t) => {
  const d = desk(t, 'true');
  const file = d.file('f', 'text');
  for (const script of ['head -c 260 > /dev/null; exit 3', 'cat > /dev/null; printf torn; kill -9 $$']) {
    const r = await d.open(['@dispvm', file], {
      NINEFOLD_TEST_SERVICE_qubes_OpenInVM: JSON.stringify(['/bin/sh', '-c', script]),
    });
    assert.notEqual(r.code, 0);
    assert.match(r.stderr, /f is as it was, and changes made there are lost|f is as it was/);
    assert.equal(readFileSync(file, 'utf8'), 'text');
    assert.deepEqual(readdirSync(d.dir), ['f']);
  }
  const refused = await run([...nodeProgram('qvm-open-in-vm'), 'work', file], {
    env: { NINEFOLD_QREXEC_CLIENT: d.env.NINEFOLD_QREXEC_CLIENT as string },
  });
  assert.equal(refused.code, 126);
  assert.deepEqual(readdirSync(d.dir), ['f']);
});

test('the service refuses what makes no sense, and leaves nothing', async (t) => {
  const dir = scratch(t, 'editor');
  const block = (name: string): Buffer =>
    Buffer.concat([Buffer.from(name), Buffer.alloc(256)]).subarray(0, 256);
  for (const [origin, stream, why] of [
    ['', block('f'), /QREXEC_REMOTE_DOMAIN/],
    ['a/b', block('f'), /QREXEC_REMOTE_DOMAIN/],
    ['..', block('f'), /QREXEC_REMOTE_DOMAIN/],
    ['source', block('f').subarray(0, 255), /ended within the name/],
    ['source', block(''), /empty or has a "\/"/],
    ['source', block('a/b'), /empty or has a "\/"/],
    ['source', Buffer.concat([block('f'), Buffer.alloc(11)]), /larger than 10 bytes/],
  ] as const) {
    writeFileSync(join(dir, 'stream'), stream);
    const r = await run(
      ['/bin/sh', '-c', `exec "$@" < '${join(dir, 'stream')}'`, 'sh', ...nodeProgram('vm-file-editor')],
      {
        env: { QREXEC_REMOTE_DOMAIN: origin, NINEFOLD_OPENER: '/bin/true', NINEFOLD_MAX_BYTES: '10' },
      },
    );
    assert.equal(r.code, 1, String(why));
    assert.match(r.stderr, why);
    assert.equal(r.stdout, '');
  }
});

test('command lines: URLs, help, what is neither file nor URL', async (t) => {
  const d = desk(t, 'true');
  assert.equal((await d.open(['work', 'https://example.org/a b'])).code, 0);
  assert.equal(readFileSync(join(d.top, 'url'), 'utf8'), 'https://example.org/a b\n');
  assert.equal((await d.open(['--help'])).code, 0);
  for (const args of [
    [],
    ['work'],
    ['work', d.dir],
    ['work', 'none'],
    ['--what', 'work', 'f'],
    ['work', '1x://y'],
  ])
    assert.equal((await d.open(args)).code, 2, args.join(' '));
  const client = await run([...nodeProgram('qopen-in-vm'), '--what']);
  assert.equal(client.code, 2);
  assert.equal((await run(nodeProgram('qopen-in-vm'))).code, 1);
  const loop = await run([...nodeProgram('qvm-open-in-vm'), '@dispvm', d.file('f', 'x')], {
    env: { ...d.env, QREXEC_SERVICE_FULL_NAME: 'qubes.OpenInVM+', PATH: '/nowhere' },
  });
  assert.notEqual(loop.code, 0);
});

test('ninefold open over a command', async (t) => {
  const d = desk(t, 'echo more >> "$1"');
  const file = d.file('f', 'text\n');
  utimesSync(file, 1, 1);
  const r = await ninefold(['open', file, EDITOR], { env: d.env });
  assert.equal(r.code, 0, r.stderr);
  assert.equal(readFileSync(file, 'utf8'), 'text\nmore\n');
  const torn = await ninefold(['open', file, 'exec:cat > /dev/null; printf torn; exit 3']);
  assert.equal(torn.code, 69);
  assert.match(torn.stderr, /sh ended with status 3; .*f is as it was/);
  assert.equal(readFileSync(file, 'utf8'), 'text\nmore\n');
  assert.equal((await ninefold(['open', file, 'work'], { env: d.env })).code, 0);
  assert.equal(readFileSync(file, 'utf8'), 'text\nmore\nmore\n');
  assert.deepEqual(readdirSync(d.dir), ['f']);
});

test('an editor that was told a URI is waited for, though its opener has ended', async (t) => {
  const d = desk(
    t,
    `setsid "$HOME_OF_TEST/../editor" "--file=file://$(echo "$1" | sed s/@/%40/)" > /dev/null 2>&1 &`,
  );
  writeFileSync(
    join(d.top, 'editor'),
    `#!/bin/sh\nsleep 1; echo EDITED > "$(echo "$1" | sed 's/.*file:..//; s/%40/@/')"\n`,
    {
      mode: 0o755,
    },
  );
  const file = d.file('a@b', 'original\n');
  const r = await ninefold(['open', file, EDITOR], { env: d.env });
  assert.deepEqual([r.code, r.stderr], [0, '']);
  assert.equal(readFileSync(file, 'utf8'), 'EDITED\n');
});
