// SPDX-License-Identifier: MIT

import type { Command } from 'commander';
import { unmountCommand } from './unmount.ts';

/** `ninefold unmount MOUNTPOINT [--lazy]` */
export function addUnmount(program: Command): Command {
  return program
    .command('unmount')
    .alias('umount')
    .summary('end a mount')
    .description('Ends a mount of ninefold, also when its server is dead, and its process with it.')
    .argument('<mountpoint>', 'the folder it is mounted on')
    .option('-l, --lazy', 'also when programs still use it: it is gone at once, and ends when they let go')
    .helpOption('-h, --help', 'show this')
    .addHelpText('after', '\nExample:\n  ninefold unmount ~/share')
    .action(async (mountpoint: string, { lazy }: { lazy?: boolean }) => {
      process.exit(await unmountCommand(mountpoint, lazy === true));
    });
}
