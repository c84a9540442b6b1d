// SPDX-License-Identifier: MIT

import { Command, CommanderError } from 'commander';
import { EXIT } from '../base/error.ts';
import { addAgent } from './broker/agent-command.ts';
import { addBroker } from './broker/broker-command.ts';
import { addCopy, addMove } from './copy/copy-command.ts';
import { addReceive } from './copy/receive-command.ts';
import { addRestoreNames } from './copy/restore-names.ts';
import { addHelp } from './help-command.ts';
import { addList } from './mount/list-command.ts';
import { addMount } from './mount/mount-command.ts';
import { addUnmount } from './mount/unmount-command.ts';
import { addMounts } from './mounts/mounts-command.ts';
import { addOpen } from './open/open-command.ts';
import { addPolicy } from './policy/policy-command.ts';
import { addSessions } from './policy/sessions-command.ts';
import { print } from './print.ts';
import { die, say } from './report.ts';
import { addServe } from './serve/serve-command.ts';
import { version } from './version.ts';
import { addManager, addNotices } from './window/manager-command.ts';

const COMMANDS = [
  addServe,
  addMount,
  addUnmount,
  addList,
  addMounts,
  addCopy,
  addMove,
  addOpen,
  addReceive,
  addRestoreNames,
  addPolicy,
  addSessions,
  addManager,
  addNotices,
  addBroker,
  addAgent,
];

/** The command `ninefold` with its sub-commands; each lives in a file of its own. */
export function ninefoldMain(argv: readonly string[]): void {
  const program = new Command('ninefold')
    .description('Share folders between machines that must not trust each other.')
    .version(version(), '-V, --version')
    .helpOption('-h, --help', 'show this')
    .showSuggestionAfterError(true)
    .addHelpText('after', EXAMPLES);
  for (const add of COMMANDS) add(program);
  addHelp(program);
  setOutput(program, 'ninefold');
  if (argv.length <= 2) {
    program.outputHelp();
    process.exit(EXIT.usage);
  }
  program.parseAsync(argv as string[]).catch((error: unknown) => {
    // Commander has said it already: help and version with 0, all else is a wrong command line.
    if (error instanceof CommanderError) process.exit(error.exitCode === 0 ? EXIT.ok : EXIT.usage);
    die('ninefold', error);
  });
}

/** Of the command and of those that it has: an error is one line, which points to the help of the command that it is about. */
function setOutput(command: Command, name: string): void {
  command.exitOverride().configureOutput({
    writeOut: print,
    writeErr: (text) => say(text.trimEnd()),
    outputError: (text) => say(oneLine(text, name)),
  });
  for (const each of command.commands) setOutput(each, `${name} ${each.name()}`);
}

/** `error: unknown option '--x'\n(Did you mean --y?)` → one line of the form that all messages have. */
function oneLine(text: string, name: string): string {
  const words = text
    .trim()
    .replace(/^error: /, '')
    .replace(/\s*\n\s*/g, ' ');
  return `ninefold: ${words.replace(/\.$/, '')}; see ${name} --help`;
}

const EXAMPLES = `
Examples:
  ninefold serve /srv/share --listen unix:/run/user/1000/share.sock
  ninefold mount unix:/run/user/1000/share.sock ~/share
  ninefold mount ssh://box/home/me/work ~/work -o noexec
  ninefold mount vsock:host:5640 /mnt --read-only
  ninefold list
  ninefold unmount ~/share
  ninefold copy report.pdf ssh://box/~/incoming

Exit status: 0 well, 64 wrong command line, 65 the peer broke the protocol, 66 a folder is missing or wrong,
69 the other side cannot be reached, 71 the system lacks something, 77 not permitted; see docs/EXIT-CODES.md.`;
