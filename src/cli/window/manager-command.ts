// SPDX-License-Identifier: MIT

import type { Command } from 'commander';
import { choiceOption } from '../values.ts';
import { showWindow } from './window.ts';

const PAGES = ['rules', 'sessions', 'history'] as const;

/** `ninefold manager [PAGE]` */
export function addManager(program: Command): Command {
  return program
    .command('manager')
    .summary('the folder share manager: a window with rules, mounts and history')
    .description(
      'Shows a window in which rules are seen, made, changed and taken back, what is mounted now, and what happened. One a session: a second start brings it to the front.',
    )
    .argument('[page]', PAGES.join(', '), 'rules')
    .helpOption('-h, --help', 'show this')
    .addHelpText('after', '\nExamples:\n  ninefold manager\n  ninefold manager sessions')
    .action(async (page: string) => {
      process.exit(await showWindow('ninefold manager', 'manager', [choiceOption('page', page, PAGES)]));
    });
}

/** `ninefold notices` */
export function addNotices(program: Command): Command {
  return program
    .command('notices')
    .summary('tell on the desktop when a folder is mounted and let go of')
    .description(
      'Shows a notification when a mount that this machine allows begins and ends, and an entry in the panel while there is one. Stays in the foreground; a second one ends at once.',
    )
    .helpOption('-h, --help', 'show this')
    .addHelpText('after', '\nExample:\n  ninefold notices &')
    .action(async () => {
      process.exit(await showWindow('ninefold notices', 'notices', []));
    });
}
