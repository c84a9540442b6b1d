// SPDX-License-Identifier: MIT

import { mkdirSync, readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import * as v from 'valibot';
import { because, EXIT, NinefoldError, printable } from '../../base/error.ts';
import { storeFiles } from '../../broker/files.ts';
import { lock } from '../../broker/lock.ts';
import { openSys } from '../../linux/index.ts';
import { issueWords } from '../../policy/issue-words.ts';
import { xdgFolder } from '../xdg.ts';

const FORMAT = 'ninefold-mounts-1';
const PATIENCE_MS = 5000;
export const NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}(?![\s\S])/;

const ENTRY = v.strictObject({
  /** For a person to name it by. */
  name: v.pipe(
    v.string(),
    v.regex(NAME, 'a name begins with a letter or digit and has ".", "_" and "-" beside them'),
  ),
  /** What `ninefold mount` takes: MACHINE:/FOLDER, or an address. */
  source: v.pipe(v.string(), v.minLength(1, 'it is empty')),
  /** Absolute. */
  mountpoint: v.pipe(v.string(), v.startsWith('/', 'it is no absolute path')),
  readOnly: v.optional(v.boolean(), false),
  /** As after `-o`. */
  options: v.optional(v.string(), ''),
  /** It is mounted at login. */
  login: v.optional(v.boolean(), false),
});
export type SavedMount = v.InferOutput<typeof ENTRY>;
const FILE = v.strictObject({ format: v.literal(FORMAT), mounts: v.array(ENTRY) });

/** $XDG_CONFIG_HOME, of root too: mounts at login are a person's. */
export const configHome = (env: NodeJS.ProcessEnv = process.env): string =>
  xdgFolder(env.XDG_CONFIG_HOME, join(env.HOME || homedir(), '.config'));

export const savedPath = (env: NodeJS.ProcessEnv = process.env): string =>
  join(configHome(env), 'ninefold/mounts.json');

/** The saved mounts, in the person's order; a file that is not there has none. Throws NinefoldError MOUNTS_FILE (exit 78). */
export function readSaved(path = savedPath()): SavedMount[] {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    const { code, errno } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT') return [];
    throw unusable(path, because(errno ?? 5), 'make it readable', error);
  }
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (error) {
    throw unusable(path, `it is no JSON (${(error as Error).message})`, MEND, error);
  }
  const parsed = v.safeParse(FILE, json);
  if (!parsed.success) {
    const where = v.getDotPath(parsed.issues[0]);
    throw unusable(path, `${where === null ? '' : `"${where}": `}${issueWords(parsed.issues[0])}`, MEND);
  }
  return parsed.output.mounts;
}

const MEND = 'mend it by hand, or move it away to begin anew';

/**
 * Changes the list under a lock, and replaces the file as a whole: whoever reads it meanwhile sees the one or the other. Throws NinefoldError MOUNTS_FILE (exit 78), MOUNTS_BUSY
 * (69), and what `change` throws, which changes nothing.
 */
export async function changeSaved<T>(
  change: (mounts: readonly SavedMount[]) => { readonly mounts: readonly SavedMount[]; readonly result: T },
  path = savedPath(),
): Promise<T> {
  try {
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  } catch (error) {
    throw unusable(path, because((error as NodeJS.ErrnoException).errno ?? 5), 'check its folder', error);
  }
  const held = await lock(openSys(), `${path}.lock`, PATIENCE_MS);
  if (held === undefined)
    throw new NinefoldError({
      code: 'MOUNTS_BUSY',
      exit: EXIT.unavailable,
      what: 'cannot change the saved mounts in',
      on: printable(path),
      why: 'another program is changing them',
      remedy: 'try it again',
    });
  try {
    const { mounts, result } = change(readSaved(path));
    replace(path, formatSaved(mounts));
    return result;
  } finally {
    held.release();
  }
}

/** One mount a line, for reading and for a diff. */
export function formatSaved(mounts: readonly SavedMount[]): string {
  const lines = mounts.map((mount) => `    ${JSON.stringify(mount)}`);
  return `{\n  "format": "${FORMAT}",\n  "mounts": [${lines.length === 0 ? '' : `\n${lines.join(',\n')}\n  `}]\n}\n`;
}

/** Whole or not at all, and on the disk when it returns. Throws NinefoldError MOUNTS_FILE (exit 78). */
export function replace(path: string, text: string): void {
  const next = `${path}.new`;
  const folder = dirname(path);
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    storeFiles.write(next, text, path);
    storeFiles.rename(next, path);
    storeFiles.syncFolder(folder);
  } catch (error) {
    throw unusable(path, because((error as NodeJS.ErrnoException).errno ?? 5), 'check its folder', error);
  }
}

function unusable(path: string, why: string, remedy: string, cause?: unknown): NinefoldError {
  return new NinefoldError({
    code: 'MOUNTS_FILE',
    exit: EXIT.config,
    what: 'cannot use the saved mounts in',
    on: printable(path),
    why: printable(why),
    remedy,
    cause,
  });
}
