// SPDX-License-Identifier: MIT

import { spawn } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { Command } from 'commander';
import { because, EXIT, NinefoldError, printable } from '../../base/error.ts';
import { addHelp, noCommand } from '../help-command.ts';
import { bytes } from '../mount/list-command.ts';
import { DEFAULT_FLAGS, runMount } from '../mount/mount-command.ts';
import { unmountCommand } from '../mount/unmount.ts';
import { print } from '../print.ts';
import { say } from '../report.ts';
import { programPath } from '../serve/launch.ts';
import { table } from '../table.ts';
import { booleanOption } from '../values.ts';
import { showWindow } from '../window/window.ts';
import { addSaved, findSaved, removeSaved, setLogin } from './changes.ts';
import { type MountRow, mountRows } from './rows.ts';
import { readSaved } from './saved.ts';

const show = (json: boolean | undefined, value: unknown, text: string): void =>
  print(json === true ? `${JSON.stringify(value, null, 2)}\n` : text);

/** `ninefold mounts [list|add|remove|mount|unmount|open|at-login|login]` */
export function addMounts(program: Command): Command {
  const mounts = program
    .command('mounts')
    .summary('keep the mounts of this machine: save, mount at login')
    .description(
      'Shows the mounts that are saved on this machine and those that are there, saves others, mounts them, also at login.',
    )
    .helpOption('-h, --help', 'show this')
    .addHelpText('after', HELP);
  mounts.addCommand(list(), { isDefault: true });
  mounts.addCommand(add());
  mounts.addCommand(remove());
  mounts.addCommand(mount());
  mounts.addCommand(unmount());
  mounts.addCommand(open());
  mounts.addCommand(atLogin());
  mounts.addCommand(login());
  addHelp(mounts);
  for (const command of mounts.commands) command.helpOption('-h, --help', 'show this');
  return mounts;
}

function list(): Command {
  return new Command('list')
    .description(
      'Shows what is saved, what of it is mounted, and what else is. This is also what "ninefold mounts" does.',
    )
    .option('--window', 'in a window')
    .option('--json', 'one JSON array')
    .allowExcessArguments()
    .action(async ({ json, window }: { json?: boolean; window?: boolean }, command: Command) => {
      // As the default it is given what is no command.
      const [extra] = command.args;
      if (extra !== undefined) noCommand(command.parent ?? command, extra);
      if (window === true) process.exit(await showWindow('ninefold mounts', 'mounts', []));
      const rows = await mountRows();
      show(json, rows, listText(rows));
    });
}

function listText(rows: readonly MountRow[]): string {
  if (rows.length === 0) return 'No mount is saved, and nothing is mounted.\n';
  return table(
    ['NAME', 'SOURCE', 'MOUNTPOINT', 'STATE', 'AT LOGIN', 'READ', 'WRITTEN'],
    rows.map((r) => [
      r.name ?? '(not saved)',
      printable(r.source),
      printable(r.mountpoint),
      `${r.state}${r.readOnly ? ', read-only' : ''}${r.reason === undefined ? '' : `: ${printable(r.reason)}`}`,
      r.login ? 'yes' : 'no',
      bytes(r.bytesRead),
      bytes(r.bytesWritten),
    ]),
  );
}

interface AddFlags {
  name?: string;
  readOnly?: boolean;
  option?: string;
  atLogin?: boolean;
  json?: boolean;
}

function add(): Command {
  return new Command('add')
    .description('Saves a mount. It is mounted by "ninefold mounts mount", or at login.')
    .argument('<source>', 'as for "ninefold mount": MACHINE:/FOLDER, or an address')
    .argument('<mountpoint>', 'a folder of yours')
    .option('--name <name>', 'what to call it (default: the last part of the mount point)')
    .option('-r, --read-only', 'nothing can be changed through it')
    .option('-o, --option <list>', 'mount options, with commas')
    .option('--at-login', 'mount it at login')
    .option('--json', 'one JSON object')
    .action(async (source: string, mountpoint: string, flags: AddFlags) => {
      const entry = await addSaved({
        ...(flags.name === undefined ? {} : { name: flags.name }),
        source,
        mountpoint,
        readOnly: flags.readOnly === true,
        options: flags.option ?? '',
        login: flags.atLogin === true,
      });
      show(flags.json, entry, `saved as ${entry.name}\n`);
    });
}

function remove(): Command {
  return new Command('remove')
    .description('Forgets a saved mount. What is mounted stays.')
    .argument('<name>', 'which')
    .option('--json', 'one JSON object: what it was')
    .action(async (name: string, { json }: { json?: boolean }) => {
      const entry = await removeSaved(name);
      show(json, entry, `forgotten: ${entry.name}\n`);
    });
}

function mount(): Command {
  return new Command('mount')
    .description('Mounts a saved one; its mount point is made if need be.')
    .argument('<name>', 'which')
    .option('-f, --foreground', 'stay, and tell what happens on stderr')
    .action(async (name: string, { foreground }: { foreground?: boolean }) => {
      const { source, mountpoint, readOnly, options } = findSaved(name);
      try {
        mkdirSync(mountpoint, { recursive: true });
      } catch {
        // The mount itself tells what is wrong with it.
      }
      process.exit(
        await runMount(source, mountpoint, {
          ...DEFAULT_FLAGS,
          option: options === '' ? [] : [options],
          readOnly,
          foreground: foreground === true,
        }),
      );
    });
}

function unmount(): Command {
  return new Command('unmount')
    .description('Ends a saved mount.')
    .argument('<name>', 'which')
    .option('-l, --lazy', 'also when programs still use it')
    .action(async (name: string, { lazy }: { lazy?: boolean }) => {
      process.exit(await unmountCommand(findSaved(name).mountpoint, lazy === true));
    });
}

function open(): Command {
  return new Command('open')
    .description('Opens a saved mount in the file manager (xdg-open, or the program NINEFOLD_OPENER).')
    .argument('<name>', 'which')
    .action(async (name: string) => {
      const { mountpoint } = findSaved(name);
      const opener = process.env.NINEFOLD_OPENER || 'xdg-open';
      await new Promise<void>((resolve, reject) => {
        const child = spawn(opener, [mountpoint], { stdio: 'ignore', detached: true });
        child.once('error', (error: NodeJS.ErrnoException) => reject(noOpener(opener, mountpoint, error)));
        child.once('spawn', () => {
          child.unref();
          resolve();
        });
      });
    });
}

function noOpener(opener: string, mountpoint: string, cause: NodeJS.ErrnoException): NinefoldError {
  return new NinefoldError({
    code: 'MOUNTS_OPENER',
    exit: EXIT.osMissing,
    what: `cannot open with ${printable(opener)}`,
    on: printable(mountpoint),
    why: because(cause.errno ?? 2),
    remedy: 'install the package xdg-utils, or name a program in NINEFOLD_OPENER',
    cause,
  });
}

function atLogin(): Command {
  return new Command('at-login')
    .description('Has a saved mount mounted at login, or not any more.')
    .argument('<name>', 'which')
    .argument('<on|off>', 'whether')
    .option('--json', 'one JSON object')
    .action(async (name: string, text: string, { json }: { json?: boolean }) => {
      const entry = await setLogin(name, booleanOption('at-login', text));
      show(json, entry, `${entry.name} is ${entry.login ? '' : 'not '}mounted at login\n`);
    });
}

function login(): Command {
  return new Command('login')
    .description('Mounts all that are to be mounted at login: what the desktop runs then.')
    .option('--dry-run', 'only say which')
    .action(async ({ dryRun }: { dryRun?: boolean }) => {
      let exit = 0;
      for (const { name } of readSaved().filter((m) => m.login)) {
        if (dryRun === true) print(`${name}\n`);
        // One after the other: a second question of this machine would be refused while one is open.
        else exit = (await mountOne(name)) || exit;
      }
      process.exitCode = exit;
    });
}

function mountOne(name: string): Promise<number> {
  const argv = ['--no-warnings', programPath('ninefold'), 'mounts', 'mount', name];
  return new Promise((resolve) => {
    const child = spawn(process.execPath, argv, { stdio: 'inherit' });
    child.once('error', (error) => {
      say(`ninefold mounts: cannot mount ${name}: ${printable(error.message)}; mount it by hand`);
      resolve(EXIT.internal);
    });
    child.once('exit', (code) => resolve(code ?? EXIT.terminated));
  });
}

const HELP = `
They are kept in $XDG_CONFIG_HOME/ninefold/mounts.json. "ninefold list" shows the mounts that there are.

Examples:
  ninefold mounts add vault:/home/user/docs ~/docs --read-only --at-login
  ninefold mounts
  ninefold mounts mount docs
  ninefold mounts at-login docs off
  ninefold mounts unmount docs`;
