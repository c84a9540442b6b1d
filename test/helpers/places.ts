// SPDX-License-Identifier: MIT

import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The folder that holds package.json, whatever folder the build went to. */
export const TOP = findTop();

/** Where this build put its files: `dist`, or what `scripts/build.mjs --out` was told. */
export const OUT = dirname(dirname(dirname(fileURLToPath(import.meta.url))));

/** The bundled program of that name in this same build (NINEFOLD_PROGRAMS: in that folder): run it with `process.execPath`. */
export function program(name: string): string {
  return join(process.env.NINEFOLD_PROGRAMS ?? join(OUT, 'bin'), `${name}.cjs`);
}

/** A fresh folder below the system's temporary one, or below `where`, removed when `t` ends. */
export function scratch(t: { after(fn: () => void): void }, label: string, where = tmpdir()): string {
  const dir = mkdtempSync(join(where, `ninefold-${label}-`));
  t.after(() => rmSync(dir, { recursive: true, force: true, maxRetries: 3 }));
  return dir;
}

function findTop(): string {
  let dir = dirname(fileURLToPath(import.meta.url));
  while (dir !== dirname(dir)) {
    const manifest = join(dir, 'package.json');
    if (
      existsSync(manifest) &&
      (JSON.parse(readFileSync(manifest, 'utf8')) as { name?: string }).name === 'ninefold'
    )
      return dir;
    dir = dirname(dir);
  }
  throw new Error('no package.json of ninefold above the tests');
}
