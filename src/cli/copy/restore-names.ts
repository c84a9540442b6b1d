// SPDX-License-Identifier: MIT

import { existsSync, lstatSync, readdirSync, renameSync } from 'node:fs';
import { basename, dirname } from 'node:path';
import type { Command } from 'commander';
import { EXIT, NinefoldError, printable } from '../../base/error.ts';
import { unescapeName } from '../../qfile/index.ts';
import { displayName } from './display.ts';

/** `ninefold restore-names PATH…`: gives names that came as %XX their own characters back. */
export function addRestoreNames(program: Command): Command {
  return program
    .command('restore-names')
    .summary('undo the renaming of --rename-unsafe')
    .description('Gives files and folders that were sent with --rename-unsafe their own names back.')
    .argument('<path...>', 'files, or folders with all that is in them')
    .option('--dry-run', 'only say what would be renamed')
    .helpOption('-h, --help', 'show this')
    .action((paths: string[], flags: { dryRun?: boolean }) => {
      let kept = 0;
      for (const path of paths)
        kept += restore(Buffer.from(path.replace(/(?<=.)\/+$/, '')), flags.dryRun === true);
      process.exit(kept === 0 ? EXIT.ok : EXIT.noInput);
    });
}

/** Children first. Returns how many could not be renamed. */
function restore(path: Buffer, dryRun: boolean): number {
  let kept = 0;
  let folder: boolean;
  try {
    folder = lstatSync(path).isDirectory();
  } catch {
    throw new NinefoldError({
      code: 'COPY_ARGUMENT',
      exit: EXIT.noInput,
      what: 'cannot rename',
      on: printable(path.toString()),
      why: 'it is not there',
      remedy: 'check the path',
    });
  }
  if (folder)
    for (const name of readdirSync(path, { encoding: 'buffer' }))
      kept += restore(Buffer.concat([path, Buffer.from('/'), name]), dryRun);
  const text = path.toString('latin1');
  const name = Buffer.from(basename(text), 'latin1');
  const own = unescapeName(name);
  if (own === name) return kept;
  const to = Buffer.concat([Buffer.from(`${dirname(text)}/`, 'latin1'), own]);
  // What is no name, or taken, stays as it is.
  const usable =
    own.length > 0 &&
    !own.includes(0) &&
    !own.includes(0x2f) &&
    !['.', '..'].includes(Buffer.from(own).toString());
  const blocked = !usable
    ? 'that would be no name'
    : existsSync(to)
      ? 'there is one of that name'
      : undefined;
  if (blocked !== undefined) {
    process.stdout.write(`kept ${displayName(name)}: ${blocked}\n`);
    return kept + 1;
  }
  if (!dryRun) renameSync(path, to);
  process.stdout.write(`${displayName(name)} -> ${printable(Buffer.from(own).toString())}\n`);
  return kept;
}
