// SPDX-License-Identifier: MIT

import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { test } from 'node:test';
import { scratch, sys } from '../../test/helpers/linux.ts';
import { EACCES, ENOSPC } from '../base/errno.ts';
import { NinefoldError } from '../base/error.ts';
import { Journal, temporaryFolders, Walk } from './index.ts';

const codeOf = (fn: () => void): string => {
  try {
    fn();
  } catch (error) {
    if (error instanceof NinefoldError) return `${error.code} ${error.exit}: ${error.message}`;
    throw error;
  }
  return '';
};

test('where a journal is kept: TMPDIR unless it is empty, then where there is always something', () => {
  assert.deepEqual(temporaryFolders(undefined), ['/var/tmp', '/tmp']);
  assert.deepEqual(temporaryFolders(''), ['/var/tmp', '/tmp']);
  assert.deepEqual(temporaryFolders('/x'), ['/x', '/var/tmp', '/tmp']);
});

test('a journal takes the first folder that is usable; with none, and on a full disk, it says what to do', (t) => {
  const d = scratch(t);
  new Journal(sys, ['/nonexistent', '/dev/null', d.dir]).close();
  assert.deepEqual(readdirSync(d.dir), []);
  const refused = codeOf(() => new Journal({ ...sys, openat: () => -EACCES }, ['/a', '/b']));
  assert.match(
    refused,
    /^COPY_JOURNAL 78: cannot make a temporary file in \/a, \/b: .*\(EACCES\); set TMPDIR/,
  );
  const full = new Journal({ ...sys, pwrite: () => -ENOSPC }, [d.dir]);
  const pass = (): number => 0;
  const walk = new Walk(sys, { enter: pass, leave: pass, entry: pass, special: pass, vanished: pass });
  assert.equal(walk.argument(d.fd, Buffer.from('none')) < 0, true);
  full.add(0, walk);
  assert.match(
    codeOf(() => full.read(() => {})),
    /^COPY_JOURNAL 78: cannot keep the list of what was sent: .*\(ENOSPC\)/,
  );
  full.close();
});
