// SPDX-License-Identifier: MIT

import assert from 'node:assert/strict';
import { mkdirSync, symlinkSync } from 'node:fs';
import { test } from 'node:test';
import { scratch, sys } from '../../test/helpers/linux.ts';
import { EILSEQ, ENAMETOOLONG, ENOLINK } from '../base/errno.ts';
import { escapePath, UNPACKER_RULES } from '../qfile/index.ts';
import { Check } from './index.ts';

test('of a link is told what no receiver takes; else what only one takes that allows all names', (t) => {
  const d = scratch(t);
  mkdirSync(d.path('d'));
  for (const [name, target] of [
    ['fine', 'a/b'],
    ['party', '🎉.txt'],
    ['out', '../🎉'],
    ['far', '🎉/../../../etc'],
    ['\n', 'a'],
    ['\t', '/etc'],
    ['\v', '🎉'],
    ['plain', 'a'],
    ['\f'.repeat(100), '/etc'],
  ] as const)
    symlinkSync(target, d.path(`d/${name}`));
  const found = (rename?: (path: Uint8Array) => Uint8Array): string[] => {
    const lines: string[] = [];
    const check = new Check({
      sys,
      ignoreSymlinks: false,
      rules: UNPACKER_RULES,
      ...(rename === undefined ? {} : { rename }),
      complain: ({ path, about, error }) =>
        lines.push(`${JSON.stringify(Buffer.from(path).toString().slice(2, 8))} ${about} ${error}`),
    });
    assert.equal(check.argument(d.fd, Buffer.from('d')), 0);
    assert.equal(check.links, 9);
    return lines.sort();
  };
  assert.deepEqual(
    found(),
    [
      `"\\f\\f\\f\\f\\f\\f" name ${EILSEQ}`,
      `"\\f\\f\\f\\f\\f\\f" target ${ENOLINK}`,
      `"\\n" name ${EILSEQ}`,
      `"\\t" name ${EILSEQ}`,
      `"\\t" target ${ENOLINK}`,
      `"\\u000b" name ${EILSEQ}`,
      `"far" target ${ENOLINK}`,
      `"out" target ${ENOLINK}`,
      `"party" target ${EILSEQ}`,
    ].sort(),
  );
  assert.deepEqual(
    found(escapePath),
    [
      `"\\f\\f\\f\\f\\f\\f" name ${ENAMETOOLONG}`,
      `"\\t" target ${ENOLINK}`,
      `"far" target ${ENOLINK}`,
      `"out" target ${ENOLINK}`,
    ].sort(),
  );
});
