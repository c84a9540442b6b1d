// SPDX-License-Identifier: MIT
// The way back from --rename-unsafe: names, and the links that lead to them; nothing is replaced on it.

import assert from 'node:assert/strict';
import {
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { ninefold } from '../helpers/cli.ts';
import { program, scratch } from '../helpers/places.ts';

test('a tree that was sent with --rename-unsafe is as it was: names, and links through them', async (t) => {
  const top = scratch(t, 'restore');
  const [from, incoming] = [join(top, 'from'), join(top, 'in')];
  mkdirSync(join(from, 'd/sub\n/100%25'), { recursive: true });
  mkdirSync(incoming);
  writeFileSync(join(from, 'd/sub\n/100%25/bad\u202e'), 'found');
  symlinkSync('sub\n/100%25//bad\u202e', join(from, 'd/l\n'));
  symlinkSync('../sub\n/./100%25', join(from, 'd/sub\n/up'));
  const receiver = `exec:exec '${process.execPath}' '${program('ninefold')}' receive --stdio --sandbox none '${incoming}'`;
  const sent = await ninefold(['copy', '--rename-unsafe', join(from, 'd'), receiver]);
  assert.equal(sent.code, 0, sent.stderr);
  const before = lstatSync(join(incoming, 'd/l%0A')).mtimeMs;
  const dry = await ninefold(['restore-names', '--dry-run', join(incoming, 'd')]);
  assert.equal(dry.code, 0, dry.stderr);
  assert.equal(readlinkSync(join(incoming, 'd/l%0A')), 'sub%0A/100%2525//bad%E2%80%AE');
  const r = await ninefold(['restore-names', join(incoming, 'd')]);
  assert.equal(r.code, 0, r.stderr);
  assert.match(
    r.stdout,
    /^target of l%0A: sub%0A\/100%2525\/\/bad%E2%80%AE -> sub\\x0a\/100%25\/\/bad\\u202e$/m,
  );
  assert.equal(r.stdout, dry.stdout);
  const list = (dir: string): string[] => (readdirSync(dir, { recursive: true }) as string[]).sort();
  assert.deepEqual(list(incoming), list(from));
  for (const link of ['d/l\n', 'd/sub\n/up'])
    assert.equal(readlinkSync(join(incoming, link)), readlinkSync(join(from, link)));
  assert.equal(readFileSync(join(incoming, 'd/l\n'), 'utf8'), 'found');
  assert.ok(Math.abs(lstatSync(join(incoming, 'd/l\n')).mtimeMs - before) < 1);
});

test('a link that leads nowhere is in the way like anything else', async (t) => {
  const dir = scratch(t, 'restore');
  writeFileSync(join(dir, 'a%0A'), 'a');
  symlinkSync('/nothing/mounted', join(dir, 'a\n'));
  const r = await ninefold(['restore-names', dir]);
  assert.equal(r.code, 66);
  assert.match(r.stdout, /kept a%0A: there is one of that name/);
  assert.equal(readlinkSync(join(dir, 'a\n')), '/nothing/mounted');
  assert.equal(readFileSync(join(dir, 'a%0A'), 'utf8'), 'a');
});

test('a target that hides slashes, dots or NUL stays: it would lead out', async (t) => {
  const dir = scratch(t, 'restore');
  const targets = ['%2E%2E/x', 'a/%2E', '..%2F..%2Fetc', '%2Fetc', 'x%00'];
  targets.forEach((target, i) => {
    symlinkSync(target, join(dir, `l${i}`));
  });
  const r = await ninefold(['restore-names', dir]);
  assert.equal(r.code, 66);
  targets.forEach((target, i) => {
    assert.equal(readlinkSync(join(dir, `l${i}`)), target);
    assert.ok(r.stdout.includes(`kept the target of l${i}: that would lead elsewhere\n`));
  });
  assert.equal(readdirSync(dir).length, targets.length);
});
