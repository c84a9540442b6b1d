// SPDX-License-Identifier: MIT

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { objects } from './objects.ts';

test('an array for objects is empty, and of the form that V8 gives to arrays of objects', () => {
  assert.deepEqual(objects(), []);
  const module = JSON.stringify(new URL('./objects.js', import.meta.url).href);
  const code = `
    const { objects } = await import(${module});
    const list = objects();
    console.log(%HasObjectElements(list), %HasHoleyElements(list), %HasObjectElements([]));`;
  const r = spawnSync(process.execPath, ['--allow-natives-syntax', '--input-type=module', '-e', code], {
    encoding: 'utf8',
  });
  assert.equal(r.stdout, 'true false false\n', r.stderr);
});
