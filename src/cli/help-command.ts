// SPDX-License-Identifier: MIT

import type { Command } from 'commander';

/** `help [COMMAND]` of a command that has others: commander's own shows all help, as an error, where there is no such command. */
export function addHelp(command: Command): void {
  command.helpCommand(false);
  command
    .command('help [command]')
    .description('show the help of a command')
    .helpOption('-h, --help', 'show this')
    .action((name: string | undefined) => {
      if (name === undefined) command.help();
      const found = command.commands.find((c) => c.name() === name || c.aliases().includes(name));
      if (found === undefined) noCommand(command, name);
      found.help();
    });
}

/** As commander says it where it notices itself. */
export function noCommand(command: Command, name: string): never {
  command.error(`error: unknown command '${name}'`);
}
