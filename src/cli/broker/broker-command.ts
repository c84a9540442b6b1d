// SPDX-License-Identifier: MIT

import { dirname, join } from 'node:path';
import type { Command } from 'commander';
import { EXIT, type ExitCode, printable } from '../../base/error.ts';
import { CallPolicy } from '../../broker/call-policy.ts';
import { ADDRESS_FORMS, type BrokerConfig, readConfig } from '../../broker/config.ts';
import { Broker } from '../../broker/daemon.ts';
import { openSys } from '../../linux/index.ts';
import { type Listener, openListener } from '../../transport/listener.ts';
import { openLog } from '../log.ts';
import { asker } from '../policy/asking.ts';
import { openBooks } from '../policy/desk.ts';
import { print } from '../print.ts';
import { programPath } from '../serve/launch.ts';
import { LOG_FORMATS, LOG_LEVELS } from '../serve/options.ts';
import { choiceOption, numberOption } from '../values.ts';
import { joinBroker } from './join.ts';
import { type BrokerPlace, brokerConfig, brokerPlace } from './places.ts';
import { makeSocketFolder } from './socket-folder.ts';
import { openBrokerSys } from './sys.ts';

interface BrokerFlags {
  config?: string;
  socket?: string;
  ask?: string;
  vsock?: string;
  stdio?: boolean;
  check?: boolean;
  logLevel: string;
  logFormat: string;
}

/** VMADDR_PORT_ANY is one more. */
const VSOCK_PORT_MAX = 0xffff_fffe;

/** `ninefold broker` */
export function addBroker(program: Command): Command {
  return program
    .command('broker')
    .summary('decide who may mount what, where there is no Qubes')
    .description(
      'Stands where dom0 stands in Qubes: asks a person before a folder is shared, remembers the answers, starts the servers and ends them. Stays in the foreground.',
    )
    .option('--config <file>', 'which machines there are')
    .option('--socket <path>', 'where programs of this machine reach it')
    .option('--vsock <port>', 'where virtual machines with a "cid" reach it (also "vsock" in the file)')
    .option('--ask <command>', 'the command that asks the person (also NINEFOLD_ASK, and "ask" in the file)')
    .option('--check', 'check the configuration and the list of rules, and end')
    .option('--stdio', 'join standard input and output to the broker that listens at --socket, and be none')
    .option('--log-level <level>', LOG_LEVELS.join(', '), 'info')
    .option('--log-format <format>', LOG_FORMATS.join(', '), 'text')
    .helpOption('-h, --help', 'show this')
    .addHelpText('after', HELP)
    .action(async (flags: BrokerFlags) => {
      process.exit(await (flags.stdio === true ? joinBroker(flags.socket) : brokerCommand(flags)));
    });
}

async function brokerCommand(flags: BrokerFlags): Promise<ExitCode> {
  const program = 'ninefold broker';
  const log = openLog(
    program,
    choiceOption('--log-level', flags.logLevel, LOG_LEVELS),
    choiceOption('--log-format', flags.logFormat, LOG_FORMATS),
  );
  const from = brokerConfig(flags.config);
  const file = from.path;
  const read = readConfig(from);
  const { NINEFOLD_PATIENCE: seconds } = process.env;
  const patience = seconds ? numberOption('NINEFOLD_PATIENCE', seconds, 1, 3600) : read.patience;
  const config = { ...read, patience };
  const books = openBooks((line) => log.info(line));
  await books.store.repair();
  books.gate.sweep();
  const policy = new CallPolicy(
    config.policy === undefined
      ? { path: join(dirname(file), 'policy.d'), named: false }
      : { path: config.policy, named: true },
  );
  // Said at the start, too: nothing could be asked until it is mended.
  const calls = policy.count;
  if (flags.check === true) {
    const { length } = books.store.load().rules;
    print(`${printable(file)}: ${config.machines.size} machines; ${length} rules; ${calls} about calls\n`);
    return EXIT.ok;
  }
  const asking = asker(flags.ask || process.env.NINEFOLD_ASK || config.ask);
  const sys = openBrokerSys();
  const place: BrokerPlace =
    flags.socket === undefined ? brokerPlace() : { kind: 'unix', path: flags.socket };
  const { path } = place;
  const listeners: { listener: Listener; machine?: string }[] = [];
  try {
    const uids = [...config.machines.values()].some((m) => m.uid !== undefined);
    const closed = makeSocketFolder(place, uids);
    if (closed !== undefined) log.warn(closed);
    // Other users come in by it too where they are machines; who they are is told by the kernel.
    listeners.push({ listener: await openListener(sys, { kind: 'unix', path }, uids ? 0o666 : 0o600) });
    const port =
      flags.vsock === undefined ? config.vsock : numberOption('--vsock', flags.vsock, 1, VSOCK_PORT_MAX);
    if (port !== undefined) listeners.push({ listener: await openListener(sys, { kind: 'vsock', port }, 0) });
    for (const { name, socket, cid } of config.machines.values()) {
      if (cid !== undefined && port === undefined)
        log.warn(`"${name}" has a context id, but there is no vsock port: add "vsock", or --vsock`);
      if (socket !== undefined)
        listeners.push({
          listener: await openListener(sys, { kind: 'unix', path: socket }, 0o666),
          machine: name,
        });
    }
    const broker = new Broker({
      sys,
      loop: openSys(),
      listeners,
      config,
      policy,
      desk: { ...books, ask: asking.ask },
      uid: process.geteuid?.() ?? 0,
      agent: [process.execPath, '--no-warnings', programPath('ruddo')],
      note: (level, line) => log[level](line),
    });
    const also = port === undefined ? '' : ` and vsock port ${port}`;
    log.info(
      `listening on ${printable(path)}${also}; ${machinesWords(config)}; asking by ${printable(asking.how)}`,
    );
    let exit: ExitCode = EXIT.ok;
    for (const [signal, code] of [
      ['SIGINT', EXIT.interrupted],
      ['SIGTERM', EXIT.terminated],
      ['SIGHUP', EXIT.terminated],
    ] as const)
      process.on(signal, () => {
        exit = code;
        broker.stop();
      });
    await broker.run();
    return exit;
  } finally {
    for (const { listener } of listeners) listener.close();
  }
}

function machinesWords(config: BrokerConfig): string {
  const names = [...config.machines.keys()];
  return `this machine is "${config.self}"${names.length === 0 ? '' : `, others are ${names.join(', ')}`}`;
}

const HELP = `
The configuration is JSON; all of it may be left out. With --config, set NINEFOLD_BROKER_CONFIG too where "ninefold policy machines" and the manager are to see it:
  { "self": "host",
    "machines": {
      "box":   { "address": "exec:docker exec -i box ninefold agent", "socket": "/run/box/broker.sock" },
      "guest": { "address": "ssh://me@guest/", "uid": 1001, "disposable": true },
      "vm":    { "address": "vsock:3:5642", "cid": 3 } },
    "vsock": 5641, "ask": "ninefold-ask", "patience": 60, "policy": "/etc/ninefold/policy.d" }

Addresses of machines:
${ADDRESS_FORMS.map(([form, meaning]) => `  ${form.padEnd(28)}${meaning}`).join('\n')}

A request is a machine's when it comes in by its "socket", from its "uid" by the broker's own, or from its "cid" (context id) by vsock.

Files *.policy in the folder "policy" (else policy.d beside the configuration) say what is asked about at all, in the syntax of qrexec's:
  qubes.Filecopy  *  work         vault     allow
  qubes.Filecopy  *  @anyvm       @default  ask target=vault
  *               *  @tag:guests  @anyvm    deny

Programs elsewhere find the broker by NINEFOLD_BROKER: the path of a socket, vsock:2:PORT in a virtual machine, or exec:COMMAND, such as
"exec:ssh host", where an SSH key has the forced command "ninefold broker --stdio --socket /run/ninefold/laptop.sock".

Examples:
  ninefold broker
  ninefold broker --ask ~/bin/my-dialog
  ninefold mount box:/src ~/src`;
