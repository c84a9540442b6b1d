// SPDX-License-Identifier: MIT

import type { Command } from 'commander';
import { EXIT, NinefoldError } from '../../base/error.ts';
import { decodeAgentCall } from '../../broker/agent-call.ts';
import { usageError } from '../report.ts';
import { runService } from '../rpc/main.ts';
import { serveAgent } from './agent.ts';

/** `ninefold agent --call WORD` and `ninefold agent --listen unix:PATH` */
export function addAgent(program: Command): Command {
  return program
    .command('agent')
    .summary('share folders of this machine at the word of a broker')
    .description(
      'Does what "ninefold broker" asks of this machine: opens the folder that a person has granted and serves it, confined, on standard input and output. Whoever can start it, or reach its socket, is trusted to have asked.',
    )
    .option('--call <word>', 'do one call, which the broker adds to the command that it runs')
    .option('--listen <path>', 'wait for the broker on a Unix socket, which only its user can reach')
    .helpOption('-h, --help', 'show this')
    .addHelpText(
      'after',
      `
Examples (in the configuration of the broker):
  "address": "exec:docker exec -i box ninefold agent"
  "address": "unix:/run/box/agent.sock"      with "ninefold agent --listen /run/box/agent.sock" in the box`,
    )
    .action(async ({ call, listen }: { call?: string; listen?: string }) => {
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

async function oneCall(word: string): Promise<number> {
  const call = decodeAgentCall(word);
  if (!call.ok)
    throw new NinefoldError({
      code: 'AGENT_CALL',
      exit: EXIT.usage,
      what: 'cannot understand',
      on: '--call',
      why: call.why,
      remedy: 'leave it to the broker to write it; its version may be another',
    });
  const { service, source, given } = call.value;
  const plus = service.indexOf('+');
  const name = plus < 0 ? service : service.slice(0, plus);
  const argument = plus < 0 ? undefined : service.slice(plus + 1);
  return runService(name, { source, argument, given });
}
