// SPDX-License-Identifier: MIT
// The folder that files come into.
import assert from 'node:assert/strict';
import {
  chmodSync,
  closeSync,
  fstatSync,
  mkdirSync,
  mkdtempSync,
  readlinkSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { accountOf, openIncoming } from '../../src/cli/copy/incoming.ts';

function home(t: TestContext): string {
  const dir = mkdtempSync(join(tmpdir(), 'ninefold-home-'));
  t.after(() => rmSync(dir, { recursive: true, force: true }));
  return dir;
}

function opened(fd: number): { path: string; mode: number } {
  const path = readlinkSync(`/proc/self/fd/${fd}`);
  const { mode } = fstatSync(fd);
  closeSync(fd);
  return { path, mode: mode & 0o7777 };
}

test('it is made for its owner alone, whatever the umask; one that is there keeps its mode', (t) => {
  const dir = home(t);
  const umask = process.umask(0);
  t.after(() => process.umask(umask));
  const path = join(dir, 'QubesIncoming/work');
  assert.deepEqual(opened(openIncoming(dir, undefined, 'work')), { path, mode: 0o700 });
  assert.equal(statSync(join(dir, 'QubesIncoming')).mode & 0o7777, 0o700);
  chmodSync(path, 0o750);
  assert.deepEqual(opened(openIncoming(dir, undefined, 'work')), { path, mode: 0o750 });
});

test('a link that its owner has made is followed, as in the original; a file in its place is an error', (t) => {
  const dir = home(t);
  mkdirSync(join(dir, 'disk'));
  symlinkSync('disk', join(dir, 'QubesIncoming'));
  assert.equal(opened(openIncoming(dir, undefined, 'work')).path, join(dir, 'disk/work'));
  rmSync(join(dir, 'QubesIncoming'));
  writeFileSync(join(dir, 'QubesIncoming'), '');
  assert.throws(
    () => openIncoming(dir, undefined, 'work'),
    /cannot receive into .*QubesIncoming\/work: not a folder/,
  );
});

test('who sends is a name, and never a way out', (t) => {
  const dir = home(t);
  for (const source of [undefined, '', '..', '.', 'a/b', '/etc', '-x', '1st', 'a\nb', 'a'.repeat(32)])
    assert.throws(
      () => openIncoming(dir, undefined, source),
      /cannot receive into QubesIncoming/,
      String(source),
    );
  assert.throws(() => statSync(join(dir, 'QubesIncoming')), { code: 'ENOENT' });
});

test('an account by its number or its name; neither is the other', () => {
  const passwd =
    'root:x:0:0:root:/root:/bin/sh\n77:x:1077:1077::/home/77:/bin/sh\nme:x:77:78:Me:/home/me:/bin/sh\n';
  assert.deepEqual(accountOf(77, passwd), { name: 'me', uid: 77, gid: 78, home: '/home/me' });
  assert.equal(accountOf('77', passwd).uid, 1077);
  assert.throws(() => accountOf('nobody\n', passwd), /the user nobody\\x0a: there is no such account/);
  assert.throws(() => accountOf(5, passwd), /user id 5: there is no such account/);
});
