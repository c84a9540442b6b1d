// SPDX-License-Identifier: MIT

import { parseArgs } from 'node:util';

export interface BenchArgs {
  readonly server: boolean;
  readonly mount: boolean;
  readonly proxy: boolean;
  readonly copy: boolean;
  readonly ask: boolean;
  readonly quick: boolean;
  /** Part of a row's key or title; '' for all. */
  readonly row: string;
  /** Undefined: each part's own number. */
  readonly rounds: number | undefined;
  /** Names of the systems to measure; empty for all. */
  readonly peers: readonly string[];
  readonly help: boolean;
}

export const HELP = `npm run bench -- [--only server|mount|proxy|copy|ask] [--quick] [--row NAME] [--peers LIST] [--rounds N]

  --only server   CPU per request of the 9P server, against diod
  --only mount    what a person waits for on a mount, against sshfs, bindfs and the local folder
  --only proxy    CPU per request of virtfs-proxy-helper, against QEMU's own (as root)
  --only copy     files from one program to another, against tar
  --only ask      what the broker adds to a mount beside the person's thinking time
  --quick         a tenth of the work and few rounds: does it run, not how fast
  --row NAME      only rows whose name or title contains NAME
  --peers LIST    only these systems: ninefold,diod,local,bindfs,sshfs,tar,original
  --rounds N      how often everything is repeated; the tables show medians

Without --quick, --row and --peers the tables also go to docs/BENCHMARKS.md. Figures mean something on an otherwise idle machine only.
`;

const PARTS = ['server', 'mount', 'proxy', 'copy', 'ask'];

/** Throws TypeError with one line for what makes no sense. */
export function benchArgs(argv: readonly string[]): BenchArgs {
  const { values } = parseArgs({
    args: [...argv],
    options: {
      only: { type: 'string' },
      quick: { type: 'boolean', default: false },
      row: { type: 'string', default: '' },
      peers: { type: 'string', default: '' },
      rounds: { type: 'string' },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  const { only, rounds } = values;
  if (only !== undefined && !PARTS.includes(only))
    throw new TypeError(`--only is one of ${PARTS.join(', ')}, not ${only}`);
  if (rounds !== undefined && !/^[1-9]\d{0,2}$/.test(rounds))
    throw new TypeError(`--rounds is a number from 1 to 999, not ${rounds}`);
  return {
    server: only === undefined || only === 'server',
    mount: only === undefined || only === 'mount',
    proxy: only === undefined || only === 'proxy',
    copy: only === undefined || only === 'copy',
    ask: only === undefined || only === 'ask',
    quick: values.quick,
    row: values.row,
    rounds: rounds === undefined ? undefined : Number(rounds),
    peers: values.peers.split(',').filter((p) => p !== ''),
    help: values.help,
  };
}

/** Whether `--peers` leaves this system in. */
export function chosen(name: string, peers: readonly string[]): boolean {
  return peers.length === 0 || peers.some((p) => name === p || name.startsWith(`${p} `));
}

/** Whether `--row` means this row. */
export function wanted(row: { key: string; title: string }, word: string): boolean {
  return row.key.includes(word) || row.title.toLowerCase().includes(word.toLowerCase());
}
