// SPDX-License-Identifier: MIT
// Type-checks and emits everything with tsc, then bundles each program of src/cli/programs/ into one file:
// a program that loads one file starts tens of milliseconds sooner than one that loads a hundred.
// The windows of src/ui/ run on GJS, with types of their own: checked by a second tsc, bundled into dist/ui/.
//
//   node scripts/build.mjs [--out DIR] [--if-missing]
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const top = dirname(dirname(fileURLToPath(import.meta.url)));
const { values } = parseArgs({ options: { out: { type: 'string' }, 'if-missing': { type: 'boolean' } } });
const out = resolve(top, values.out ?? 'dist');
const programs = join(top, 'src/cli/programs');

if (values['if-missing'] && existsSync(join(out, 'bin'))) process.exit(0);
const { devDependencies } = JSON.parse(readFileSync(join(top, 'package.json'), 'utf8'));
// All of them: `npm ci --omit=dev` leaves those there that another package could use, such as typescript.
const missing = Object.keys(devDependencies).filter((name) => !existsSync(join(top, 'node_modules', name)));
if (missing.length > 0) {
  // `npm ci --omit=dev` of a published package: dist/ came with it.
  if (existsSync(join(out, 'bin'))) process.exit(0);
  console.error(
    `build: development packages are missing (${missing.join(', ')}), which building needs; run \`npm ci\` without --omit=dev`,
  );
  process.exit(1);
}

const compiler = join(top, 'node_modules/typescript/bin/tsc');
const tsc = spawnSync(process.execPath, [compiler, '-p', top, '--outDir', out], { stdio: 'inherit' });
const windows = spawnSync(process.execPath, [compiler, '-p', join(top, 'src/ui')], { stdio: 'inherit' });
const { build } = await import('esbuild');
if (existsSync(programs)) {
  await build({
    absWorkingDir: top,
    entryPoints: readdirSync(programs)
      .filter((f) => f.endsWith('.ts') && !f.endsWith('.test.ts'))
      .map((f) => join(programs, f)),
    outdir: join(out, 'bin'),
    // CommonJS: without Node's loader for ES modules a program starts some 10 ms sooner.
    outExtension: { '.js': '.cjs' },
    bundle: true,
    splitting: false,
    platform: 'node',
    target: 'node20',
    format: 'cjs',
    external: ['koffi'],
    define: { 'import.meta.url': '__here' },
    banner: { js: "const __here = require('node:url').pathToFileURL(__filename).href;" },
    logLevel: 'warning',
  });
  // Node looks in all folders above for one, and newer versions end where they may not look (--sandbox landlock).
  writeFileSync(join(out, 'bin/package.json'), '{ "type": "commonjs" }\n');
}
for (const [from, to] of [
  ['src/ui/programs', 'ui'],
  ['test/ui/gjs', 'test/ui/gjs'],
])
  await bundleForGjs(join(top, from), join(out, to));
process.exit(tsc.status || windows.status || 0);

/**
 * One file for each program; GJS itself brings what `gi://` names. Translations are within, so that nothing depends on which locales a
 * system has.
 */
async function bundleForGjs(from, to) {
  if (!existsSync(from)) return;
  await build({
    absWorkingDir: top,
    entryPoints: readdirSync(from)
      .filter((f) => f.endsWith('.ts') && !f.endsWith('.d.ts'))
      .map((f) => join(from, f)),
    outdir: to,
    bundle: true,
    platform: 'neutral',
    mainFields: ['module', 'main'],
    format: 'esm',
    // GJS 1.74 has SpiderMonkey 102.
    target: 'firefox102',
    external: ['gi://*', 'system'],
    define: { NINEFOLD_CATALOGS: JSON.stringify(catalogs()) },
    logLevel: 'warning',
  });
}

/** Language → the text of its po file. */
function catalogs() {
  const dir = join(top, 'po');
  if (!existsSync(dir)) return {};
  const files = readdirSync(dir).filter((f) => f.endsWith('.po'));
  return Object.fromEntries(files.map((f) => [f.slice(0, -3), readFileSync(join(dir, f), 'utf8')]));
}
