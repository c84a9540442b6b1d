// SPDX-License-Identifier: MIT

import { lstatSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import * as v from 'valibot';
import { because, EXIT, NinefoldError, printable } from '../../base/error.ts';
import { type MountLine, mountAt, mountOf } from './mountinfo.ts';
import { FSTYPE } from './point.ts';

/** What a mount process leaves where `list` and `unmount` find it. */
const ENTRY = v.object({
  pid: v.pipe(v.number(), v.integer(), v.minValue(1)),
  /** Field 22 of /proc/PID/stat: together with the pid it names one process for ever. */
  startTicks: v.string(),
  mountpoint: v.string(),
  /** Of the mount, as the kernel lists it: tells it from another on the same folder. */
  device: v.optional(v.string()),
  source: v.string(),
  /** Milliseconds since 1970. */
  since: v.number(),
  readOnly: v.boolean(),
  /** Why the server was lost: the process is gone, the mount stays and fails everything. */
  ended: v.optional(v.string()),
});
export type Entry = v.InferOutput<typeof ENTRY>;

/**
 * Where mounts of this user are registered: /run/ninefold for root, $XDG_RUNTIME_DIR/ninefold, else a folder of one's own below the
 * temporary one.
 */
export function registryPath(env: NodeJS.ProcessEnv = process.env): string {
  const uid = process.geteuid?.() ?? 0;
  if (env.NINEFOLD_RUNTIME_DIR) return resolve(env.NINEFOLD_RUNTIME_DIR);
  if (uid === 0) return '/run/ninefold';
  if (env.XDG_RUNTIME_DIR) return resolve(env.XDG_RUNTIME_DIR, 'ninefold');
  return join(tmpdir(), `ninefold-${uid}`);
}

const KEEP_LIST = 'cannot keep the list of mounts in';

/** Makes the folder, mode 0700. `what` fails: a message's beginning. Throws NinefoldError REGISTRY (exit 78) if it is not ours alone: someone else could then lie to us. */
export function openRegistry(path = registryPath(), what = KEEP_LIST): string {
  try {
    mkdirSync(path, { recursive: true, mode: 0o700 });
  } catch (error) {
    throw unusable(path, what, because((error as NodeJS.ErrnoException).errno ?? 5), error);
  }
  return checkOwn(path, what);
}

/** The same of a folder that is there. */
export function checkOwn(path: string, what: string): string {
  const found = lstatSync(path);
  if (!found.isDirectory() || found.uid !== process.geteuid?.() || (found.mode & 0o022) !== 0)
    throw unusable(path, what, 'it is not a folder that only you can change');
  return path;
}

/** Writes this mount's entry: whole or not at all. Throws NinefoldError REGISTRY (exit 78). */
export function register(dir: string, entry: Entry): void {
  const file = join(dir, `${entry.pid}.json`);
  try {
    writeFileSync(`${file}.new`, JSON.stringify(entry), { mode: 0o600 });
    renameSync(`${file}.new`, file);
  } catch (error) {
    rmSync(`${file}.new`, { force: true });
    throw cannotWrite(dir, error);
  }
}

/** What `list` and `unmount` go by cannot be left there. */
export function cannotWrite(dir: string, error: unknown): NinefoldError {
  const why = because((error as NodeJS.ErrnoException).errno ?? 5);
  return unusable(dir, KEEP_LIST, why, error, 'make room there, or mend what is wrong with it');
}

export function unregister(dir: string, pid: number): void {
  for (const name of [`${pid}.json`, `${pid}.sock`]) rmSync(join(dir, name), { force: true });
}

export const controlPath = (dir: string, pid: number): string => join(dir, `${pid}.sock`);

/** All entries; files that are no entry are left alone. A registry that is not there is empty. */
export function readRegistry(dir = registryPath()): Entry[] {
  let names: string[];
  try {
    names = readdirSync(dir);
  } catch {
    return [];
  }
  const entries: Entry[] = [];
  for (const name of names) {
    if (!/^[0-9]+\.json$/.test(name)) continue;
    try {
      const parsed = v.safeParse(ENTRY, JSON.parse(readFileSync(join(dir, name), 'utf8')));
      if (parsed.success && `${parsed.output.pid}.json` === name) entries.push(parsed.output);
    } catch {
      // It went away while we looked, or was never written whole.
    }
  }
  return entries.sort((a, b) => a.since - b.since);
}

/** Its mount in the kernel's list; undefined: it is gone, or was taken out of the tree and waits for its last user. */
export function mountOfEntry(mounts: readonly MountLine[], entry: Entry): MountLine | undefined {
  const { mountpoint, device } = entry;
  const there = device === undefined ? mountAt(mounts, mountpoint) : mountOf(mounts, mountpoint, device);
  return there?.fstype === FSTYPE ? there : undefined;
}

/** Does the process that wrote the entry still run? */
export const isAlive = (entry: Entry): boolean => startTicks(entry.pid) === entry.startTicks;

/** When a process began, in clock ticks since boot; undefined when it is gone, or only waits for its parent to notice. */
export function startTicks(pid: number): string | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'latin1');
    // The second field is the program's name in parentheses and may hold anything.
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
    return fields[0] === 'Z' || fields[0] === 'X' ? undefined : fields[19];
  } catch {
    return undefined;
  }
}

function unusable(
  path: string,
  what: string,
  why: string,
  cause?: unknown,
  remedy = 'remove it, or set XDG_RUNTIME_DIR to a folder of your own',
): NinefoldError {
  return new NinefoldError({
    code: 'REGISTRY',
    exit: EXIT.config,
    what,
    on: printable(path),
    why,
    remedy,
    cause,
  });
}
