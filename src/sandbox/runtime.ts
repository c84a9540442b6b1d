// SPDX-License-Identifier: MIT

import { existsSync, readFileSync, realpathSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { elfNames } from './elf.ts';

/** A file or folder as it is here, and where a confined process finds it. */
export interface Bind {
  readonly from: string;
  readonly to: string;
}

/** What Node itself needs to start: a little over a dozen files, not all of /usr. */
export interface Runtime {
  /** The program, by its real path. */
  readonly node: string;
  readonly binds: readonly Bind[];
}

/** Read where it is there: without it the linker looks in its standard folders only. */
const LINKER_CACHE = '/etc/ld.so.cache';

/**
 * What this very process has mapped is what the next Node, of the same binary and with the same native module, will map: no guess about library
 * folders, and it holds for any distribution. Libraries are needed under their real name and under the one that programs ask for; the linker
 * under the path that is written in the program.
 */
export function nodeRuntime(
  node: string = process.execPath,
  maps: string = readFileSync('/proc/self/maps', 'utf8'),
  builtins: readonly string[] = sharedBuiltins(process.config.target_defaults.defines),
): Runtime {
  const program = realpathSync(node);
  const binds = new Map<string, string>([[program, program]]);
  const interpreter = elfNames(program)?.interpreter;
  if (interpreter !== undefined) binds.set(interpreter, realpathSync(interpreter));
  for (const path of mappedFiles(maps)) {
    if (path === program || path.endsWith('.node')) continue;
    binds.set(path, path);
    const soname = elfNames(path)?.soname;
    if (soname !== undefined && soname !== basename(path)) binds.set(join(dirname(path), soname), path);
  }
  for (const path of builtins) if (existsSync(path)) binds.set(path, realpathSync(path));
  if (existsSync(LINKER_CACHE)) binds.set(LINKER_CACHE, LINKER_CACHE);
  return { node: program, binds: Array.from(binds, ([to, from]) => ({ from, to })) };
}

/**
 * Parts of Node's own JavaScript that a distribution keeps in files of their own, where Node looks for them as it starts (Debian: /usr/share/nodejs/acorn/dist/acorn.js and others): what Node was
 * configured with says where (configure.py, `--shared-builtin-…-path`). `defines`: of `process.config.target_defaults`.
 */
export function sharedBuiltins(defines: readonly unknown[]): string[] {
  return defines.flatMap(
    (define) => /^NODE_SHARED_BUILTIN_\w+_PATH="?(\/[^"]+)"?$/.exec(String(define))?.[1] ?? [],
  );
}

/** Files that are mapped with the right to execute, of the lines of proc_pid_maps(5). */
export function mappedFiles(maps: string): string[] {
  const files = new Set<string>();
  for (const line of maps.split('\n')) {
    const [, , , path] = /^\S+ (..x.) \S+ (\S+ \d+)\s+(\/.*)$/.exec(line) ?? [];
    // A file that was replaced since (an upgrade) is not the one at this path.
    if (path !== undefined && !path.endsWith(' (deleted)') && existsSync(path)) files.add(path);
  }
  return [...files];
}

/**
 * The packages that `entry` (a program of ours) loads at run time, name → real folder: koffi, and the one with its native module for this
 * machine. A package manager may have put them anywhere (hoisted, linked into a store).
 */
export function programPackages(entry: string): Record<string, string> {
  const found: Record<string, string> = {};
  const koffi = packageFolder(entry, 'koffi');
  if (koffi === undefined) return found;
  found.koffi = koffi;
  const name = `@koromix/koffi-linux-${process.arch}`;
  const native = packageFolder(join(koffi, 'package.json'), name);
  if (native !== undefined) found[name] = native;
  return found;
}

/** The nearest node_modules above `file` that has the package. */
function packageFolder(file: string, name: string): string | undefined {
  for (let dir = dirname(file); ; dir = dirname(dir)) {
    const found = join(dir, 'node_modules', name);
    if (existsSync(join(found, 'package.json'))) return realpathSync(found);
    if (dir === dirname(dir)) return undefined;
  }
}
