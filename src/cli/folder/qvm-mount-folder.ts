// SPDX-License-Identifier: MIT

import { parseArgs } from 'node:util';
import { EXIT, type ExitCode, NinefoldError, printable } from '../../base/error.ts';
import { mountSettings } from '../mount/options.ts';
import { print } from '../print.ts';
import { die, usageError } from '../report.ts';
import { choiceOption, numberOption } from '../values.ts';
import { version } from '../version.ts';
import { CLIENTS, mountFolder } from './mount-folder.ts';

const PROGRAM = 'qvm-mount-folder';

/** `qvm-mount-folder MACHINE FOLDER MOUNTPOINT [OPTIONS]`, the command line of Qubes' shared folders and its exit codes. */
export function qvmMountFolderMain(args: readonly string[]): void {
  run(args).then(
    (code) => process.exit(code),
    (error: unknown) => die(PROGRAM, error),
  );
}

async function run(args: readonly string[]): Promise<ExitCode> {
  const { values, positionals } = parse(args);
  if (values.help === true) {
    print(HELP);
    return EXIT.ok;
  }
  if (values.version === true) {
    print(`${version()}\n`);
    return EXIT.ok;
  }
  const [machine, folder, mountpoint, ...more] = positionals;
  if (machine === undefined || folder === undefined || mountpoint === undefined || more.length > 0)
    throw usageError(
      'USAGE',
      'cannot start with',
      `${positionals.length} arguments`,
      'it takes MACHINE, FOLDER and MOUNTPOINT',
      `see ${PROGRAM} --help`,
    );
  const settings = mountSettings(
    values.option ?? [],
    values['read-only'] === true,
    process.geteuid?.() === 0,
  );
  return mountFolder(
    { machine, folder },
    mountpoint,
    choiceOption('--client', values.client ?? 'auto', CLIENTS),
    values.foreground === true,
    {
      settings,
      patienceMs: numberOption('--timeout', values.timeout ?? '30', 1, 3600) * 1000,
      ssh: { program: 'ssh', remoteProgram: 'ninefold', readOnly: settings.readOnly },
      logLevel: 'warn',
      logFormat: 'text',
      stats: false,
    },
  );
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        client: { type: 'string' },
        'read-only': { type: 'boolean', short: 'r' },
        option: { type: 'string', short: 'o', multiple: true },
        foreground: { type: 'boolean', short: 'f' },
        timeout: { type: 'string' },
        help: { type: 'boolean', short: 'h' },
        version: { type: 'boolean' },
      },
    });
  } catch (error) {
    throw new NinefoldError({
      code: 'USAGE',
      exit: EXIT.usage,
      what: 'cannot understand',
      on: 'the command line',
      why: printable((error as Error).message.split('. ')[0] ?? ''),
      remedy: `see ${PROGRAM} --help`,
    });
  }
}

const HELP = `Usage: qvm-mount-folder MACHINE FOLDER MOUNTPOINT [OPTIONS]

Asks for FOLDER of the qube or machine MACHINE and mounts it on MOUNTPOINT. A person is asked in dom0, or by
"ninefold broker", unless that was decided before.

Options:
  -r, --read-only       ask for reading only
  --client KIND         fuse, or kernel: Linux' own 9P client, as root (auto: fuse)
  -o, --option LIST     mount options, as for ninefold mount
  -f, --foreground      stay, and tell what happens on stderr
  --timeout SECONDS     how long to wait for the server's first answer, once it is granted (30)
  -h, --help            show this
  --version             show the version

Exit status: 0 mounted, 2 no such folder there, 13 denied, 14 blocked, 22 the request is invalid, 64 wrong
command line, 69 the question or connection failed, 124 nobody answered in time, 125 the other machine does not
run, 126 refused by policy, 127 not installed there; others as for ninefold mount.

Example: qvm-mount-folder vault /home/user/docs ~/docs --read-only
`;
