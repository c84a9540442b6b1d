// SPDX-License-Identifier: MIT
// A reply takes the file's place when it is whole, and when it cannot, it is not lost.

import assert from 'node:assert/strict';
import { chmodSync, chownSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { test } from 'node:test';
import { bound } from '../helpers/bindfs.ts';
import { cannotMount, ninefold, nodeProgram, run } from '../helpers/cli.ts';
import { scratch } from '../helpers/places.ts';
import { desk } from './desk.ts';

const NOBODY = 65534;
const asRoot = process.geteuid?.() === 0 ? {} : { skip: 'needs root' };
const EDIT = 'exec:cat > /dev/null; echo EDITED';

test(
  'qopen-in-vm: an edit that cannot take the file’s place is kept, and it is said where',
  asRoot,
  async (t) => {
    const dir = scratch(t, 'open-sticky');
    chmodSync(dir, 0o1777);
    const file = join(dir, 'letter.txt');
    writeFileSync(file, 'original\n');
    chmodSync(file, 0o666);
    const r = await run([...nodeProgram('qopen-in-vm'), file], {
      uid: NOBODY,
      stdin: Buffer.from('EDITED\n'),
    });
    assert.equal(r.code, 1);
    assert.equal(readFileSync(file, 'utf8'), 'original\n');
    const where = /EPERM\); the edited copy is (.*)\n/.exec(r.stderr)?.[1];
    assert.equal(readFileSync(where ?? r.stderr, 'utf8'), 'EDITED\n');
  },
);

test('a folder that may be written to but not read', async (t) => {
  const dir = join(scratch(t, 'open-blind'), 'd');
  mkdirSync(dir);
  const file = join(dir, 'f');
  writeFileSync(file, 'original\n');
  chmodSync(join(dir, '..'), 0o755);
  if (process.geteuid?.() === 0) for (const path of [dir, file]) chownSync(path, NOBODY, NOBODY);
  chmodSync(dir, 0o333);
  const how = process.geteuid?.() === 0 ? { uid: NOBODY } : {};
  const r = await run([...nodeProgram('qopen-in-vm'), file], { ...how, stdin: Buffer.from('EDITED\n') });
  chmodSync(dir, 0o700);
  assert.equal(r.code, 0, r.stderr);
  assert.equal(readFileSync(file, 'utf8'), 'EDITED\n');
  assert.deepEqual(readdirSync(dir), ['f']);
});

test('a mount where everything is another’s', { skip: cannotMount() ?? false }, async (t) => {
  const top = scratch(t, 'open-owner');
  const [back, mount] = [join(top, 'back'), join(top, 'mount')] as const;
  for (const path of [top, back, mount]) {
    mkdirSync(path, { recursive: true });
    chmodSync(path, 0o755);
  }
  chmodSync(back, 0o777);
  writeFileSync(join(back, 'f'), 'original\n');
  const options = ['--force-user=root', '--force-group=root', '--perms=a+rwX'];
  if (!(await bound(t, back, mount, ...options))) return;
  try {
    const file = join(mount, 'f');
    const r = await run([...nodeProgram('ninefold'), 'open', file, EDIT], { uid: NOBODY });
    assert.deepEqual([r.code, r.stderr], [0, '']);
    assert.equal(readFileSync(file, 'utf8'), 'EDITED\n');
    assert.deepEqual(readdirSync(mount), ['f']);
  } finally {
    await run(['umount', mount]);
  }
});

test('a reply that was not taken in whole is not used, though the service ended well', async (t) => {
  const d = desk(t, 'head -c 2000 /dev/zero >> "$1"');
  const file = d.file('f', 'text');
  // As under Qubes: the status of a call is the service's.
  const client = join(d.top, 'well');
  writeFileSync(client, `#!/bin/sh\n'${d.env.NINEFOLD_QREXEC_CLIENT}' "$@"\nexit 0\n`, { mode: 0o755 });
  const r = await d.open(['work', file], { NINEFOLD_QREXEC_CLIENT: client, NINEFOLD_MAX_BYTES: '1K' });
  assert.equal(r.code, 1);
  assert.match(r.stderr, /larger than 1024 bytes.*\n.*it was not taken in whole; the file is as it was/);
  assert.equal(readFileSync(file, 'utf8'), 'text');
  assert.deepEqual(readdirSync(d.dir), ['f']);
});

for (const [how, command] of [
  ['ends badly long after its output', 'printf half; exec 0<&- 1<&-; sleep 1.5; exit 1'],
  ['speaks of a status 0 and ends badly', 'printf half; echo it ended with status 0 >&2; exit 1'],
  ['is killed', 'printf half; kill -9 $$'],
] as const)
  test(`ninefold open: a command that ${how} has torn its reply`, async (t) => {
    const dir = scratch(t, 'open-torn');
    const file = join(dir, 'f');
    writeFileSync(file, 'the whole original');
    const r = await ninefold(['open', file, `exec:cat > /dev/null; ${command}`]);
    assert.equal(r.code, 69);
    assert.match(r.stderr, /sh ended (with status 1|by SIGKILL).*; .*f is as it was/);
    assert.equal(readFileSync(file, 'utf8'), 'the whole original');
    assert.deepEqual(readdirSync(dir), ['f']);
  });

test('ninefold open: a command that ends well long after its output is waited for', async (t) => {
  const file = join(scratch(t, 'open-late'), 'f');
  writeFileSync(file, 'original');
  const r = await ninefold(['open', file, 'exec:cat > /dev/null; printf EDITED; exec 0<&- 1<&-; sleep 1.5']);
  assert.deepEqual([r.code, r.stderr], [0, '']);
  assert.equal(readFileSync(file, 'utf8'), 'EDITED');
});

test('ninefold open: where no status tells that a reply is whole, both are kept', async (t) => {
  const dir = scratch(t, 'open-unix');
  const file = join(dir, 'f.txt');
  writeFileSync(file, 'the whole original', { mode: 0o640 });
  let reply = 'half';
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    socket.resume().on('end', () => socket.end(reply));
  });
  await new Promise<void>((resolve) => server.listen(join(dir, 's'), resolve));
  t.after(() => server.close());
  const source = `unix:${join(dir, 's')}`;
  const r = await ninefold(['open', file, source]);
  assert.equal(r.code, 0, r.stderr);
  assert.match(
    r.stderr,
    /f\.txt stays, .* whether what came back is whole: the edited copy is .*f\.edited\.txt\n/,
  );
  assert.equal(readFileSync(file, 'utf8'), 'the whole original');
  assert.equal(readFileSync(join(dir, 'f.edited.txt'), 'utf8'), 'half');
  assert.equal(statSync(join(dir, 'f.edited.txt')).mode & 0o777, 0o640);
  for (const same of ['', 'the whole original']) {
    reply = same;
    assert.deepEqual(await ninefold(['open', file, source]), { code: 0, stdout: '', stderr: '' });
  }
  assert.deepEqual(readdirSync(dir).sort(), ['f.edited.txt', 'f.txt', 's']);
});
