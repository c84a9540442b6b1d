// SPDX-License-Identifier: MIT

import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Where this build put its files: `dist`, or what `scripts/build.mjs --out` was told. */
const OUT = dirname(dirname(dirname(fileURLToPath(import.meta.url))));

/** The bundled program of that name in this same build, undefined when it was not built. Run it with `process.execPath`. */
export function program(name: string): string | undefined {
  const path = join(OUT, 'bin', `${name}.cjs`);
  return existsSync(path) ? path : undefined;
}

/** The folder that holds package.json. */
export function top(): string {
  let dir = OUT;
  while (!existsSync(join(dir, 'package.json'))) {
    if (dir === dirname(dir)) throw new Error(`no package.json above ${OUT}`);
    dir = dirname(dir);
  }
  return dir;
}
