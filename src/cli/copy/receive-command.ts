// SPDX-License-Identifier: MIT

import type { Command } from 'commander';
import { type ExitCode, printable } from '../../base/error.ts';
import { openSys } from '../../linux/index.ts';
import { checkDescriptors } from '../../transport/descriptor.ts';
import { adoptListener, type Listener, openListener } from '../../transport/listener.ts';
import { openLog } from '../log.ts';
import { type ServeFlags, type ServeMode, serveMode } from '../serve/request.ts';
import { supervise, WORKER_FDS } from '../serve/supervise.ts';
import { openTransportSys } from '../wiring.ts';
import { openIncoming } from './incoming.ts';
import { becomeReceiver, planReceiver } from './receive.ts';
import type { ReceiveSettings } from './receive-config.ts';
import { RECEIVE_OPTIONS, receiveSettings } from './receive-options.ts';

const PROGRAM = 'ninefold receive';

/** `ninefold receive FOLDER …`: the other end of `ninefold copy`. */
export function addReceive(program: Command): Command {
  const command = program
    .command('receive')
    .summary('take in what others copy')
    .description(
      'Takes files into a folder, each transfer in a confined process of its own. Nothing that is there is replaced.',
    )
    .argument('<folder>', 'where they go')
    .option('--stdio', 'one transfer on standard input and output')
    .option('--fds <R,W>', 'one transfer on two descriptors that are open already')
    .option('--listen <address>', 'wait for senders there; may be given several times', collect, [])
    .option('--socket-mode <mode>', 'permissions of a Unix socket (0600)')
    .option('--max-connections <n>', 'transfers at one time (64)')
    .option('--allow-any-tcp', 'allow TCP addresses that other machines can reach')
    .helpOption('-h, --help', 'show this');
  for (const [flag, value, help] of RECEIVE_OPTIONS)
    command.option(`--${flag}${value === undefined ? '' : ` <${value.toLowerCase()}>`}`, help);
  command.addHelpText('after', HELP);
  command.action(async (folder: string, flags: Record<string, unknown>) => {
    const settings = receiveSettings(flags);
    const mode = serveMode(flags as ServeFlags, process.env, process.pid);
    process.exit(await receive(folder, mode, settings));
  });
  return command;
}

async function receive(folder: string, mode: ServeMode, settings: ReceiveSettings): Promise<ExitCode> {
  const rootFd = openIncoming('', folder, undefined);
  if (mode.kind === 'pair') {
    checkDescriptors(mode.readFd, mode.writeFd);
    return becomeReceiver({ program: PROGRAM, readFd: mode.readFd, writeFd: mode.writeFd, settings }, rootFd);
  }
  const log = openLog(PROGRAM, 'info', 'text');
  const transport = openTransportSys();
  const { connection, control, filter, root } = WORKER_FDS;
  const launch = await planReceiver({
    config: { program: PROGRAM, readFd: connection, writeFd: connection, aliveFd: control, settings },
    rootFd: root,
    rootFdHere: rootFd,
    filterFd: filter,
    dieWithParent: true,
    note: (line) => log.warn(line),
  });
  const listeners: Listener[] = [];
  try {
    for (const at of mode.listens) listeners.push(await openListener(transport, at, mode.socketMode));
    for (const fd of mode.systemdFds) listeners.push(adoptListener(transport, fd));
    log.info(
      `receiving into ${printable(folder)} on ${listeners.map((l) => printable(l.label)).join(', ')}, sandbox: ${launch.sandbox}`,
    );
    return await supervise({
      sys: openSys(),
      transport,
      listeners,
      inherited: [rootFd],
      launch,
      maxConnections: mode.maxConnections,
      stats: false,
      log,
    });
  } finally {
    for (const listener of listeners) listener.close();
  }
}

const collect = (value: string, before: string[]): string[] => [...before, value];

const HELP = `
Examples:
  ninefold receive ~/incoming --listen unix:/run/user/1000/incoming.sock
  ssh box ninefold receive --stdio incoming      (what "ninefold copy FILE ssh://box/~/incoming" runs there)`;
