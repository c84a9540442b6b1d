// SPDX-License-Identifier: MIT
// What `npm pack` puts into the package: all that it needs and names, and nothing that only the checkout uses.
import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, normalize } from 'node:path';
import { test } from 'node:test';
import { run } from '../helpers/cli.ts';
import { OUT, TOP } from '../helpers/places.ts';

interface Manifest {
  readonly bin: Readonly<Record<string, string>>;
  readonly man: readonly string[];
}

test('the package has what it names, and neither tests nor maps', async (t) => {
  if (OUT !== join(TOP, 'dist')) return t.skip('the build is in another folder, and the package has dist/');
  const ran = await run(['npm', 'pack', '--dry-run', '--json', '--ignore-scripts'], { cwd: TOP });
  assert.equal(ran.code, 0, ran.stderr);
  const [packed] = JSON.parse(ran.stdout) as { files: { path: string }[] }[];
  const files = new Set(packed?.files.map((f) => f.path));
  const has = (path: string): boolean => files.has(normalize(path));
  assert.deepEqual(
    [...files].filter((path) => /\.test\.|\.map$/.test(path)),
    [],
  );
  const manifest = JSON.parse(readFileSync(join(TOP, 'package.json'), 'utf8')) as Manifest;
  for (const path of [...Object.values(manifest.bin), ...manifest.man]) assert.ok(has(path), path);
  const pages = readdirSync(join(TOP, 'packaging/man')).map((name) => `./packaging/man/${name}`);
  assert.deepEqual(manifest.man, pages.sort());

  for (const [, link = ''] of readFileSync(join(TOP, 'README.md'), 'utf8').matchAll(/\]\(([^)#:]+)\)/g))
    assert.ok(has(link) || [...files].some((path) => path.startsWith(link)), `README.md links ${link}`);

  // The library, from its front on.
  const seen = new Set<string>();
  const follow = (path: string): void => {
    if (seen.has(path)) return;
    seen.add(path);
    assert.ok(has(path), path);
    const text = readFileSync(join(TOP, path), 'utf8');
    for (const [, from = ''] of text.matchAll(/\bfrom '(\.[^']+)'/g)) {
      const to = normalize(join(path, '..', from));
      follow(path.endsWith('.d.ts') ? to.replace(/(?:\.d)?\.[jt]s$/, '.d.ts') : to);
    }
  };
  for (const front of ['dist/src/index.js', 'dist/src/index.d.ts']) {
    assert.ok(existsSync(join(TOP, front)));
    follow(front);
  }
  assert.ok(seen.size > 20);
});
