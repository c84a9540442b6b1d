// SPDX-License-Identifier: MIT

import type { Command } from 'commander';
import { NinefoldError } from '../../base/error.ts';
import { type Listen, parseListen } from '../../transport/listen.ts';
import { accountOf } from '../copy/incoming.ts';
import { usageError } from '../report.ts';
import { numberOption } from '../values.ts';
import { type AgentListen, serveAgent } from './agent.ts';
import { AGENT_USER } from './file-services.ts';
import { oneCall } from './one-call.ts';

/** vsock(7): the host of a virtual machine. */
const HOST_CID = 2;
const CID_MAX = 0xffff_fffe;

interface AgentFlags {
  call?: string;
  listen?: string;
  user?: string;
  brokerCid: string;
}

/** `ninefold agent --call WORD` and `ninefold agent --listen unix:PATH|vsock:PORT` */
export function addAgent(program: Command): Command {
  return program
    .command('agent')
    .summary('share folders of this machine at the word of a broker')
    .description(
      'Does what "ninefold broker" asks of this machine: opens the folder that a person has granted and serves it, confined, on standard input and output; receives files into QubesIncoming in the home folder, or opens one, where a person has said yes to that. Whoever can start it, or reach its socket, is trusted to have asked.',
    )
    .option('--call <word>', 'do one call, which the broker adds to the command that it runs')
    .option(
      '--listen <where>',
      'wait for the broker on unix:PATH, which only this user can reach, or on vsock:PORT',
    )
    .option('--broker-cid <cid>', 'whom it lets in by vsock', String(HOST_CID))
    .option('--user <name>', 'receive and open files as this user; of an agent that root runs')
    .helpOption('-h, --help', 'show this')
    .addHelpText(
      'after',
      `
Examples (in the configuration of the broker):
  "address": "exec:docker exec -i box ninefold agent"
  "address": "unix:/run/box/agent.sock"      with "ninefold agent --listen unix:/run/box/agent.sock" in the box
  "address": "vsock:3:5642"                  with "ninefold agent --listen vsock:5642" in the virtual machine

By vsock any program of the host can reach it: run it as the user whose folders they are, and where the host has other users, use ssh.`,
    )
    .action(async ({ call, listen, user, brokerCid }: AgentFlags) => {
      if (user !== undefined) process.env[AGENT_USER] = accountOf(user).name;
      if (call !== undefined && listen === undefined) process.exit(await oneCall(call));
      if (listen !== undefined && call === undefined) {
        const broker = numberOption('--broker-cid', brokerCid, 1, CID_MAX);
        process.exit(await serveAgent(agentListen(listen), broker));
      }
      throw usageError(
        'AGENT_MODE',
        'cannot act as an agent with',
        call === undefined ? 'neither --call nor --listen' : '--call and --listen together',
        'it does one call, or waits for many',
        'choose one of them',
      );
    });
}

/** The forms that an agent has are fewer than a server's. */
function agentAddress(text: string): Listen {
  try {
    return parseListen(text, { anyTcp: true });
  } catch (error) {
    if (!(error instanceof NinefoldError)) throw error;
    throw new NinefoldError({ ...error, remedy: 'write unix:PATH or vsock:PORT', cause: error });
  }
}

/** An absolute path alone is a Unix socket's. Throws NinefoldError LISTEN_SYNTAX, AGENT_MODE (exit 64). */
function agentListen(text: string): AgentListen {
  if (text.startsWith('/')) return { kind: 'unix', path: text };
  const at = agentAddress(text);
  if (at.kind === 'unix' || at.kind === 'vsock') return at;
  throw usageError(
    'AGENT_MODE',
    'cannot act as an agent with',
    `--listen ${at.kind}`,
    'a broker does not come that way',
    'write unix:PATH or vsock:PORT',
  );
}
