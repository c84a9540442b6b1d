// SPDX-License-Identifier: MIT

import { parseArgs } from 'node:util';
import { EXIT, NinefoldError, printable } from '../../base/error.ts';
import { exitNow } from '../../linux/process.ts';
import { parseFdPair } from '../../transport/source.ts';
import { print } from '../print.ts';
import { describe, say, usageError } from '../report.ts';
import { version } from '../version.ts';
import { type RawOptions, SERVE_OPTIONS, serveSettings } from './options.ts';
import { servePair } from './pair.ts';

const PROGRAM = 'qfsd';

/**
 * `qfsd READFD WRITEFD PATH [OPTIONS]`, the command line of Qubes' shared folders. Exit codes are the original's: 0 at the end of the
 * conversation, 8 when the server fails, 64 for everything that was wrong before it began. No commander here: qrexec starts one for each folder.
 */
export function qfsdMain(args: readonly string[]): void {
  run(args).catch((error: unknown) => {
    const { line, exit } = describe(error);
    say(`${PROGRAM}: ${line}`);
    if (process.env.NINEFOLD_DEBUG === '1' && error instanceof Error) say(error.stack ?? '');
    exitNow(qfsdExit(exit));
  });
}

/** The original knows two kinds of failure. */
function qfsdExit(exit: number): number {
  const before: readonly number[] = [EXIT.usage, EXIT.noInput, EXIT.config, EXIT.noPermission];
  return before.includes(exit) ? EXIT.usage : EXIT.server;
}

async function run(args: readonly string[]): Promise<void> {
  const { values, positionals } = parse(args);
  if (values.help === true) {
    print(help());
    return;
  }
  if (values.version === true) {
    print(`${version()}\n`);
    return;
  }
  const [r, w, path, ...more] = positionals;
  if (r === undefined || w === undefined || path === undefined || more.length > 0)
    throw usageError(
      'USAGE',
      'cannot start with',
      `${positionals.length} arguments`,
      'it takes READFD, WRITEFD and PATH',
      'see qfsd --help',
    );
  const pair = parseFdPair(`${r},${w}`);
  if (!pair.ok)
    throw usageError(
      'USAGE',
      'cannot use the descriptors',
      printable(`${r} ${w}`),
      pair.why,
      'see qfsd --help',
    );
  const settings = serveSettings(values as RawOptions, process.env);
  // The original's client attaches by the path that its service starts the server with.
  settings.aname = path;
  await servePair(PROGRAM, path, pair.value, settings);
}

function parse(args: readonly string[]): ReturnType<typeof parseArgs> {
  const options: Record<string, { type: 'string' | 'boolean'; short?: string }> = {
    help: { type: 'boolean', short: 'h' },
    version: { type: 'boolean' },
  };
  for (const { flag, value } of SERVE_OPTIONS)
    options[flag] = { type: value === undefined ? 'boolean' : 'string' };
  try {
    return parseArgs({ args: [...args], options, allowPositionals: true });
  } catch (error) {
    // Node's words end with advice about "--" that misleads here.
    const words = (error as Error).message.split('. ')[0] ?? '';
    throw new NinefoldError({
      code: 'USAGE',
      exit: EXIT.usage,
      what: 'cannot understand',
      on: 'the command line',
      why: printable(words),
      remedy: 'see qfsd --help',
    });
  }
}

function help(): string {
  const rows = SERVE_OPTIONS.map(
    ({ flag, value, help }) => `  ${`--${flag}${value === undefined ? '' : ` ${value}`}`.padEnd(26)}${help}`,
  );
  return `Usage: qfsd READFD WRITEFD PATH [OPTIONS]

Serves the folder PATH by 9P2000.L to the peer at two descriptors (one socket twice, or two pipes),
confined to that folder, until the peer closes.

Options (each also as an environment variable: NINEFOLD_READ_ONLY=1, NINEFOLD_SANDBOX=none …):
${rows.join('\n')}
  ${'-h, --help'.padEnd(26)}show this
  ${'--version'.padEnd(26)}show the version

Exit status: 0 the peer closed, 8 the server failed, 64 the arguments, PATH or a descriptor are wrong.

Example: socat EXEC:'qfsd 0 1 /srv/share --read-only' UNIX-LISTEN:/run/user/1000/share
`;
}
