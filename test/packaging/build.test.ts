// SPDX-License-Identifier: MIT
// `npm ci --omit=dev` in a checkout: npm leaves some of the development packages there, and building cannot begin.
import assert from 'node:assert/strict';
import { cpSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { run } from '../helpers/cli.ts';
import { scratch, TOP } from '../helpers/places.ts';

test('without all development packages nothing is built, and one line says what to do', async (t) => {
  const dir = scratch(t, 'build');
  cpSync(join(TOP, 'package.json'), join(dir, 'package.json'));
  mkdirSync(join(dir, 'scripts'));
  cpSync(join(TOP, 'scripts/build.mjs'), join(dir, 'scripts/build.mjs'));
  mkdirSync(join(dir, 'node_modules/typescript/bin'), { recursive: true });
  writeFileSync(
    join(dir, 'node_modules/typescript/bin/tsc'),
    "require('node:fs').mkdirSync(process.argv.at(-1), { recursive: true });",
  );
  const r = await run([process.execPath, join(dir, 'scripts/build.mjs')]);
  assert.equal(r.code, 1);
  assert.match(
    r.stderr,
    /^build: development packages are missing \(.*esbuild.*\), which building needs; run `npm ci` without --omit=dev\n$/,
  );
  assert.deepEqual(readdirSync(dir).sort(), ['node_modules', 'package.json', 'scripts']);

  // A published package has been built.
  mkdirSync(join(dir, 'dist/bin'), { recursive: true });
  const built = await run([process.execPath, join(dir, 'scripts/build.mjs')]);
  assert.equal(built.code, 0, built.stderr);
});
