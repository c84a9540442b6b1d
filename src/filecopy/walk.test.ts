// SPDX-License-Identifier: MIT

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { scratch, sys } from '../../test/helpers/linux.ts';
import { EIO, ENAMETOOLONG } from '../base/errno.ts';
import { getOpenFileLimit } from '../linux/process.ts';
import { type Visitor, Walk } from './index.ts';

const O_DIRECTORY = 0o200000;

/** Notes what it is called for. */
function noting(over: Partial<Visitor> = {}): { visitor: Visitor; seen: string[] } {
  const seen: string[] = [];
  const note =
    (what: string) =>
    ({ path, length }: Walk): number => {
      seen.push(`${what} ${Buffer.from(path.subarray(0, length))}`);
      return 0;
    };
  const [enter, leave, entry] = [note('enter'), note('leave'), note('entry')];
  return {
    visitor: { enter, leave, entry, special: note('special'), vanished: note('vanished'), ...over },
    seen,
  };
}

test('a walk goes into each folder and comes back to its path', (t) => {
  const d = scratch(t);
  mkdirSync(d.path('a/b/c'), { recursive: true });
  writeFileSync(d.path('a/b/c/f'), '');
  const { visitor, seen } = noting();
  assert.equal(new Walk(sys, visitor).argument(d.fd, Buffer.from('a')), 0);
  assert.deepEqual(seen, [
    'enter a',
    'enter a/b',
    'enter a/b/c',
    'entry a/b/c/f',
    'leave a/b/c',
    'leave a/b',
    'leave a',
  ]);
});

test('a failure ends the walk at what failed, and leaves no descriptor open', (t) => {
  const d = scratch(t);
  mkdirSync(d.path('a/b/c'), { recursive: true });
  writeFileSync(d.path('a/b/c/f'), '');
  let open = 0;
  const counting: typeof sys = {
    ...sys,
    openat: (...args) => {
      open++;
      return sys.openat(...args);
    },
    close: (fd) => {
      open--;
      return sys.close(fd);
    },
  };
  for (const [over, at] of [
    [{ entry: () => -EIO }, 'a/b/c/f'],
    [{ leave: () => -EIO }, 'a/b/c'],
  ] as const) {
    const walk = new Walk(counting, noting(over).visitor);
    assert.equal(walk.argument(d.fd, Buffer.from('a')), -EIO);
    assert.equal(Buffer.from(walk.path.subarray(0, walk.length)).toString(), at);
    assert.equal(open, 0);
  }
});

/** The longest path, 16,383 bytes, has so many components of one. */
const DEEPEST = 8192;
const limit = getOpenFileLimit();
const few = typeof limit === 'number' || limit.soft < DEEPEST + 100;

test('a tree is walked as deep as paths can be, and one that is deeper ends with ENAMETOOLONG', {
  skip: few ? 'needs 8,300 open files (ulimit -n)' : false,
}, (t) => {
  let dir = '';
  // Node cannot remove what has so long a path.
  t.after(() => execFileSync('rm', ['-rf', dir]));
  const d = scratch(t);
  dir = d.dir;
  const name = sys.alloc(2);
  name.cstring('a');
  const deeper = (from: number, levels: number): number => {
    let fd = from;
    for (let i = 0; i < levels; i++) {
      assert.equal(sys.mkdirat(fd, name, 0o755), 0);
      const next = sys.openat(fd, name, O_DIRECTORY, 0);
      sys.close(fd);
      fd = next;
    }
    return fd;
  };
  const bottom = deeper(sys.dup(d.fd), DEEPEST);
  const { visitor, seen } = noting();
  assert.equal(new Walk(sys, visitor).argument(d.fd, Buffer.from('a')), 0);
  assert.equal(seen.length, 2 * DEEPEST);
  sys.close(deeper(bottom, 1));
  assert.equal(new Walk(sys, noting().visitor).argument(d.fd, Buffer.from('a')), -ENAMETOOLONG);
});
