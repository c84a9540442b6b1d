// SPDX-License-Identifier: MIT

import type { Command } from 'commander';
import { accountOf } from '../copy/incoming.ts';
import { usageError } from '../report.ts';
import { serveAgent } from './agent.ts';
import { AGENT_USER } from './file-services.ts';
import { oneCall } from './one-call.ts';

/** `ninefold agent --call WORD` and `ninefold agent --listen unix:PATH` */
export function addAgent(program: Command): Command {
  return program
    .command('agent')
    .summary('share folders of this machine at the word of a broker')
    .description(
      'Does what "ninefold broker" asks of this machine: opens the folder that a person has granted and serves it, confined, on standard input and output; receives files into QubesIncoming in the home folder, or opens one, where a person has said yes to that. Whoever can start it, or reach its socket, is trusted to have asked.',
    )
    .option('--call <word>', 'do one call, which the broker adds to the command that it runs')
    .option('--listen <path>', 'wait for the broker on a Unix socket, which only its user can reach')
    .option('--user <name>', 'receive and open files as this user; of an agent that root runs')
    .helpOption('-h, --help', 'show this')
    .addHelpText(
      'after',
      `
Examples (in the configuration of the broker):
  "address": "exec:docker exec -i box ninefold agent"
  "address": "unix:/run/box/agent.sock"      with "ninefold agent --listen /run/box/agent.sock" in the box`,
    )
    .action(async ({ call, listen, user }: { call?: string; listen?: string; user?: string }) => {
      if (user !== undefined) process.env[AGENT_USER] = accountOf(user).name;
      if (call !== undefined && listen === undefined) process.exit(await oneCall(call));
      if (listen !== undefined && call === undefined) process.exit(await serveAgent(listen));
      throw usageError(
        'AGENT_MODE',
        'cannot act as an agent with',
        call === undefined ? 'neither --call nor --listen' : '--call and --listen together',
        'it does one call, or waits for many',
        'choose one of them',
      );
    });
}
