// SPDX-License-Identifier: MIT
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { EINVAL, ENAMETOOLONG, ENOENT } from '../base/errno.ts';
import { Mem, Span } from '../base/mem.ts';
import { cleanPath, PATH_MAX, plainString } from './paths.ts';

const to = new Mem(new Uint8Array(PATH_MAX), 0);

function clean(path: string): [string, string] | number {
  const bytes = Buffer.from(`xx${path}yy`, 'latin1');
  const span = new Span();
  span.set(bytes, 2, bytes.length - 4);
  const last = cleanPath(span, to);
  if (last < 0) return last;
  const end = to.u8.indexOf(0);
  const text = Buffer.from(to.u8.subarray(0, end)).toString('latin1');
  return [text, text.slice(last)];
}

test('paths from the wire become paths below the root, with their last component', () => {
  for (const [path, all, last] of [
    ['/', '.', '.'],
    ['//', '.', '.'],
    ['.', '.', '.'],
    ['/..', '.', '.'],
    ['/../../..', '.', '.'],
    ['/a', 'a', 'a'],
    ['a', 'a', 'a'],
    ['//a//b/', 'a/b', 'b'],
    ['/a/./b/.', 'a/b', 'b'],
    ['/a/b/..', 'a', 'a'],
    ['/a/b/../c', 'a/c', 'c'],
    ['/a/../../b/c', 'b/c', 'c'],
    ['/a/b/../../..', '.', '.'],
    ['/...', '...', '...'],
    ['/.a/..b', '.a/..b', '..b'],
    ['/a\0', 'a', 'a'],
    ['/\xff\x01 ', '\xff\x01 ', '\xff\x01 '],
  ] as const)
    assert.deepEqual(clean(path), [all, last], path);
});

test('what is no path', () => {
  assert.equal(clean(''), -ENOENT);
  assert.equal(clean('\0'), -ENOENT);
  assert.equal(clean('/a\0b'), -EINVAL);
  assert.equal(clean('/a\0\0'), -EINVAL);
  assert.equal(clean(`/${'x'.repeat(256)}`), -ENAMETOOLONG);
  assert.ok(Array.isArray(clean(`/${'x'.repeat(255)}`)));
  const longest = Array.from({ length: 16 }, () => 'y'.repeat(255)).join('/');
  assert.equal(longest.length, 4095);
  assert.deepEqual(clean(longest), [longest, 'y'.repeat(255)]);
  assert.equal(clean(`${longest}/z`), -ENAMETOOLONG);
  // What `..` takes away does not count.
  assert.deepEqual(clean('/a/..'.repeat(10_000)), ['.', '.']);
});

test('texts that are no paths', () => {
  const span = (text: string): Span => {
    const s = new Span();
    const b = Buffer.from(text);
    s.set(b, 0, b.length);
    return s;
  };
  assert.equal(plainString(span('../x'), to, 100), 0);
  assert.equal(Buffer.from(to.u8.subarray(0, 5)).toString(), '../x\0');
  assert.equal(plainString(span(''), to, 100), -ENOENT);
  assert.equal(plainString(span('a\0'), to, 100), -EINVAL);
  assert.equal(plainString(span('abc'), to, 2), -ENAMETOOLONG);
});
