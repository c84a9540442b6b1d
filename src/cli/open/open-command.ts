// SPDX-License-Identifier: MIT

import { closeSync } from 'node:fs';
import type { Command } from 'commander';
import { EXIT, type ExitCode, NinefoldError, printable } from '../../base/error.ts';
import { SHUT_WR, shutdown } from '../../linux/net.ts';
import type { Channel } from '../../transport/channel.ts';
import { openChannel } from '../../transport/open.ts';
import { DESTINATION, parseSource, type Source } from '../../transport/source.ts';
import { rawPaths } from '../copy/raw-paths.ts';
import { say } from '../report.ts';
import { openTransportSys } from '../wiring.ts';
import { converse } from './converse.ts';
import { openError } from './errors.ts';
import { dropReply, makeReply, openOriginal, type Reply, takeReply } from './original.ts';
import { openThere } from './qvm-open-in-vm.ts';
import { endBySignals } from './signals.ts';
import { takenWords } from './words.ts';

const PROGRAM = 'ninefold open';

/** `ninefold open [--view-only] FILE WHERE` */
export function addOpen(program: Command): Command {
  return program
    .command('open')
    .summary('open a file on another machine')
    .description(
      'Has a file opened by a program of another machine. An edited file takes the place of yours when it is complete; if yours was changed meanwhile, both are kept, and so they are where the connection (unix:, tcp: and the like) does not tell whether it is complete.',
    )
    .argument('<file>', 'the file')
    .argument(
      '<where>',
      'a qube, @dispvm for a new disposable one, a machine of "ninefold broker", or exec:COMMAND or unix:PATH that leads to a vm-file-editor',
    )
    .option('--view-only', 'changes are not wanted back')
    .helpOption('-h, --help', 'show this')
    .addHelpText('after', HELP)
    .action(async (file: string, where: string, flags: { viewOnly?: boolean }) => {
      process.exit(await run(file, where, flags.viewOnly === true));
    });
}

async function run(file: string, where: string, viewOnly: boolean): Promise<ExitCode> {
  if (where.includes(':') && !where.startsWith('@'))
    return overChannel(file, parseSource(where, DESTINATION), viewOnly);
  const status = await openThere(PROGRAM, where, file, viewOnly);
  if (status === 0) return EXIT.ok;
  throw new NinefoldError({
    code: 'SERVICE_FAILED',
    exit: status === 126 ? EXIT.noPermission : EXIT.unavailable,
    what: 'cannot open it on',
    on: printable(where),
    why: status === 126 ? 'the request was refused' : `the call ended with status ${status}`,
    remedy: status === 126 ? 'ask whoever decides for an allowance' : 'look at the messages above',
  });
}

async function overChannel(file: string, source: Source, viewOnly: boolean): Promise<ExitCode> {
  const [given = file] = rawPaths([file]);
  const original = openOriginal(given);
  let channel: Channel | undefined;
  let reply: Reply | undefined;
  /** What takeReply has made of it is not ours to remove. */
  let kept = false;
  const drop = (): void => {
    if (reply !== undefined && !kept) dropReply(reply);
  };
  endBySignals(async () => {
    drop();
    await channel?.close();
  });
  try {
    channel = await openChannel(openTransportSys(), source);
    reply = viewOnly ? undefined : makeReply(original);
    const { readFd, writeFd } = channel;
    const endOfFile = (): void => {
      if (shutdown(writeFd, SHUT_WR) < 0) closeSync(writeFd);
    };
    const bytes = await converse({ readFd, writeFd, endOfFile, viewOnly }, original, reply);
    // Of a command it is known how it ended; a reply of one that failed may be torn off. Nothing else tells.
    const status = await channel.ended();
    if (status !== undefined && status !== 0)
      throw openError(
        'OPEN_LOST',
        'nothing came back from',
        source.kind,
        (await channel.lastWords()) ?? `it ended with status ${status}`,
        `${printable(file)} is as it was`,
        EXIT.unavailable,
      );
    if (reply === undefined || bytes === 0) return EXIT.ok;
    kept = true;
    const taken = takenWords(takeReply(original, reply, status === 0), file);
    if (taken !== undefined) say(`${PROGRAM}: ${taken}`);
    return EXIT.ok;
  } finally {
    drop();
    closeSync(original.fd);
    await channel?.close();
  }
}

const HELP = `
Examples:
  ninefold open letter.odt work
  ninefold open --view-only attachment.pdf @dispvm
  ninefold open notes.txt 'exec:ssh -T box QREXEC_REMOTE_DOMAIN=me vm-file-editor'`;
