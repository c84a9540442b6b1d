// SPDX-License-Identifier: MIT
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { cstr, scratch, sys, text } from '../../test/helpers/linux.ts';
import { EEXIST, ENODATA, ENOENT, EOPNOTSUPP, ERANGE } from '../base/errno.ts';
import { O_PATH } from '../base/sys.ts';

const XATTR_CREATE = 1;
const XATTR_REPLACE = 2;

test('extended attributes through an O_PATH descriptor', (t) => {
  const s = scratch(t);
  writeFileSync(s.path('f'), '');
  const fd = s.open('f', O_PATH);
  const name = cstr('user.ninefold');
  const value = cstr('0123456789');
  const r = sys.setxattr(fd, name, value, 2, 5, XATTR_CREATE);
  if (r === -EOPNOTSUPP) return t.skip('the file system below the temporary folder has no user.* attributes');
  assert.equal(r, 0);
  assert.equal(sys.setxattr(fd, name, value, 0, 1, XATTR_CREATE), -EEXIST);
  assert.equal(sys.setxattr(fd, cstr('user.no'), value, 0, 1, XATTR_REPLACE), -ENODATA);
  const out = sys.alloc(64);
  assert.equal(sys.getxattr(fd, name, out, 0, 0), 5);
  assert.equal(sys.getxattr(fd, name, out, 0, 4), -ERANGE);
  assert.equal(sys.getxattr(fd, name, out, 8, 56), 5);
  assert.equal(text(out, 8, 5), '23456');
  const n = sys.listxattr(fd, out, 0, 64);
  assert.ok(text(out, 0, n).split('\0').includes('user.ninefold'));
  assert.equal(sys.removexattr(fd, name), 0);
  assert.equal(sys.removexattr(fd, name), -ENODATA);
  assert.equal(sys.getxattr(fd, name, out, 0, 64), -ENODATA);
  assert.equal(sys.listxattr(1_000_000, out, 0, 64), -ENOENT);
});
