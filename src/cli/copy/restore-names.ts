// SPDX-License-Identifier: MIT

import { randomBytes } from 'node:crypto';
import {
  lchownSync,
  lstatSync,
  lutimesSync,
  readdirSync,
  readlinkSync,
  renameSync,
  rmSync,
  type Stats,
} from 'node:fs';
import { basename, dirname } from 'node:path';
import type { Command } from 'commander';
import { EEXIST, EINVAL, EIO, ENOENT, ENOSYS } from '../../base/errno.ts';
import { because, EXIT, NinefoldError, printable } from '../../base/error.ts';
import type { Mem } from '../../base/mem.ts';
import { AT_FDCWD, type Sys } from '../../base/sys.ts';
import { openSys } from '../../linux/index.ts';
import { unescapeName } from '../../qfile/index.ts';
import { print } from '../print.ts';
import { displayName } from './display.ts';

const RENAME_NOREPLACE = 1;
const SLASH = Buffer.from('/');

/** `ninefold restore-names PATH…`: gives names that came as %XX their own characters back, and links to them where they led. */
export function addRestoreNames(program: Command): Command {
  return program
    .command('restore-names')
    .summary('undo the renaming of --rename-unsafe')
    .description(
      'Gives files and folders that were sent with --rename-unsafe their own names back, and links to them their targets.',
    )
    .argument('<path...>', 'files, or folders with all that is in them')
    .option('--dry-run', 'only say what would be renamed')
    .helpOption('-h, --help', 'show this')
    .action((paths: string[], flags: { dryRun?: boolean }) => {
      let kept = 0;
      const sys = openSys();
      for (const path of paths)
        kept += restore(sys, Buffer.from(path.replace(/(?<=.)\/+$/, '')), flags.dryRun === true);
      process.exit(kept === 0 ? EXIT.ok : EXIT.noInput);
    });
}

/** Children first. Returns how many could not be renamed. */
function restore(sys: Sys, path: Buffer, dryRun: boolean): number {
  let kept = 0;
  let stats: Stats;
  try {
    stats = lstatSync(path);
  } catch (error) {
    throw new NinefoldError({
      code: 'COPY_ARGUMENT',
      exit: EXIT.noInput,
      what: 'cannot rename',
      on: printable(path.toString()),
      why: because((error as NodeJS.ErrnoException).errno ?? ENOENT),
      remedy: 'check the path',
    });
  }
  if (stats.isDirectory())
    for (const name of readdirSync(path, { encoding: 'buffer' }))
      kept += restore(sys, Buffer.concat([path, SLASH, name]), dryRun);
  const text = path.toString('latin1');
  const name = Buffer.from(basename(text), 'latin1');
  if (stats.isSymbolicLink()) kept += restoreTarget(sys, path, name, stats, dryRun);
  const own = unescapeName(name);
  if (own === name) return kept;
  const to = Buffer.concat([Buffer.from(`${dirname(text)}/`, 'latin1'), own]);
  const blocked = isName(own) ? renamed(sys, path, to, dryRun) : 'that would be no name';
  if (blocked !== undefined) {
    print(`kept ${displayName(name)}: ${blocked}\n`);
    return kept + 1;
  }
  print(`${displayName(name)} -> ${printable(Buffer.from(own).toString())}\n`);
  return kept;
}

const isName = (own: Uint8Array): boolean =>
  own.length > 0 &&
  !own.includes(0) &&
  !own.includes(0x2f) &&
  !['.', '..'].includes(Buffer.from(own).toString('latin1'));

/** undefined, or why not. What is taken stays as it is, also by a link that leads nowhere. */
function renamed(sys: Sys, from: Buffer, to: Buffer, dryRun: boolean): string | undefined {
  const taken = lstatSync(to, { throwIfNoEntry: false }) !== undefined;
  let r = taken ? -EEXIST : 0;
  if (!taken && !dryRun) {
    r = sys.renameat(AT_FDCWD, cstring(sys, from), AT_FDCWD, cstring(sys, to), RENAME_NOREPLACE);
    // A file system that cannot promise it: then the look above must do.
    if (r === -EINVAL || r === -ENOSYS)
      r = sys.renameat(AT_FDCWD, cstring(sys, from), AT_FDCWD, cstring(sys, to), 0);
  }
  if (r === 0) return undefined;
  return r === -EEXIST ? 'there is one of that name' : because(r);
}

/** --rename-unsafe changed where a link leads along with the names. A new link takes its place in one step. Returns 1 if it stays as it is though it should not. */
function restoreTarget(sys: Sys, path: Buffer, name: Buffer, stats: Stats, dryRun: boolean): number {
  const target = readlinkSync(path, { encoding: 'buffer' });
  const parts = target.toString('latin1').split('/');
  const owns = parts.map((part) => unescapeName(Buffer.from(part, 'latin1')));
  const own = owns.map((part) => Buffer.from(part).toString('latin1')).join('/');
  if (own === target.toString('latin1')) return 0;
  // Only as names are: a sender could have written `..` and slashes so that no receiver sees them.
  const usable = owns.every((part, i) => isName(part) || Buffer.from(part).toString('latin1') === parts[i]);
  const blocked = !usable
    ? 'that would lead elsewhere'
    : dryRun
      ? undefined
      : relinked(sys, path, Buffer.from(own, 'latin1'), stats);
  if (blocked !== undefined) {
    print(`kept the target of ${displayName(name)}: ${blocked}\n`);
    return 1;
  }
  const shown = printable(Buffer.from(own, 'latin1').toString());
  print(`target of ${displayName(name)}: ${displayName(target)} -> ${shown}\n`);
  return 0;
}

function relinked(sys: Sys, path: Buffer, target: Buffer, stats: Stats): string | undefined {
  const beside = `${dirname(path.toString('latin1'))}/.ninefold-${randomBytes(6).toString('hex')}.link`;
  const other = Buffer.from(beside, 'latin1');
  const made = sys.symlinkat(cstring(sys, target), AT_FDCWD, cstring(sys, other));
  if (made < 0) return because(made);
  try {
    if (process.geteuid?.() === 0) lchownSync(other, stats.uid, stats.gid);
    lutimesSync(other, stats.atimeMs / 1000, stats.mtimeMs / 1000);
    renameSync(other, path);
    return undefined;
  } catch (error) {
    rmSync(other, { force: true });
    return because((error as NodeJS.ErrnoException).errno ?? EIO);
  }
}

function cstring(sys: Sys, bytes: Buffer): Mem {
  const mem = sys.alloc(bytes.length + 1);
  mem.cstring(bytes);
  return mem;
}
