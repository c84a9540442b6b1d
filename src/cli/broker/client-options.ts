// SPDX-License-Identifier: MIT

import { lettersApart } from '../short-options.ts';

/** What the command line of `qrexec-client-vm` says (qrexec-client-vm(1)). */
export interface ClientWanted {
  readonly target: string;
  readonly service: string;
  /** undefined: standard input and output take its place. */
  readonly program: readonly string[] | undefined;
  readonly prefix: string;
  /** Control characters are taken out of what the service writes. */
  readonly filter: boolean;
  /** The broker's, where another is named. */
  readonly socket: string | undefined;
}

const FLAGS = {
  '-t': ['filter', true],
  '--filter-escape-chars-stdout': ['filter', true],
  '--no-filter-escape-chars-stdout': ['filter', false],
  '-T': undefined,
  '--filter-escape-chars-stderr': undefined,
  '--no-filter-escape-chars-stderr': undefined,
} as const;
const VALUES: Readonly<Record<string, 'prefix' | 'socket' | 'buffer'>> = {
  '-p': 'prefix',
  '--prefix-data': 'prefix',
  '-a': 'socket',
  '--agent-socket': 'socket',
  '--buffer-size': 'buffer',
};

/** Options stop at the first word that is none, as in the original. A string: `help`, or what is wrong. */
export function parseClient(
  given: readonly string[],
  terminal = process.stdout.isTTY === true,
): ClientWanted | string {
  const values: Partial<Record<'prefix' | 'socket' | 'buffer', string>> = {};
  let filter: boolean | undefined;
  const argv = [...given];
  let i = 0;
  for (; i < argv.length; i++) {
    argv.splice(i, 1, ...lettersApart(argv[i] ?? '', 'pa'));
    const arg = argv[i] ?? '';
    if (arg === '--') {
      i++;
      break;
    }
    if (!arg.startsWith('-') || arg === '-') break;
    if (arg === '-h' || arg === '--help') return 'help';
    if (Object.hasOwn(FLAGS, arg)) {
      filter = FLAGS[arg as keyof typeof FLAGS]?.[1] ?? filter;
      continue;
    }
    const [, name = arg, joined] = /^(--[a-z-]+)=(.*)$/s.exec(arg) ?? [];
    const key = VALUES[name];
    if (key === undefined) return `there is no option ${name}`;
    if (values[key] !== undefined && key === 'prefix') return `${name} was given twice`;
    const value = joined ?? argv[++i];
    if (value === undefined) return `${name} needs a value`;
    values[key] = value;
  }
  const [target, service, ...program] = argv.slice(i);
  if (target === undefined || service === undefined || target === '' || service === '')
    return 'a target and a service are needed';
  return {
    // The shell's own "$" is written so in old scripts.
    target: target.replace(/^\$/, '@').slice(0, 63),
    service,
    program: program.length === 0 ? undefined : program,
    prefix: values.prefix ?? '',
    filter: filter ?? (terminal && program.length === 0),
    socket: values.socket,
  };
}
