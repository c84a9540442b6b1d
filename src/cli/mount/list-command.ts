// SPDX-License-Identifier: MIT

import type { Command } from 'commander';
import { EXIT, printable } from '../../base/error.ts';
import { print } from '../print.ts';
import { table as columns } from '../table.ts';
import { type Mounted, survey } from './survey.ts';

/** `ninefold list [--json]` */
export function addList(program: Command): Command {
  return program
    .command('list')
    .summary('show what is mounted')
    .description('Shows the mounts of ninefold on this machine: where, from where, since when, how much.')
    .option('--json', 'one JSON array')
    .helpOption('-h, --help', 'show this')
    .addHelpText('after', '\nExamples:\n  ninefold list\n  ninefold list --json | jq -r ".[].mountpoint"')
    .action(async ({ json }: { json?: boolean }) => {
      const mounts = await survey();
      print(json === true ? `${JSON.stringify(mounts, null, 2)}\n` : table(mounts));
      process.exitCode = EXIT.ok;
    });
}

function table(mounts: readonly Mounted[]): string {
  if (mounts.length === 0) return 'Nothing is mounted.\n';
  const head = ['MOUNTPOINT', 'SOURCE', 'STATE', 'SINCE', 'OPERATIONS', 'READ', 'WRITTEN'];
  const rows = mounts.map((m) => [
    printable(m.mountpoint),
    printable(m.source),
    `${m.state}${m.readOnly ? ', read-only' : ''}${m.reason === undefined ? '' : `: ${printable(m.reason)}`}`,
    m.since?.slice(0, 19).replace('T', ' ') ?? '',
    String(m.operations ?? ''),
    bytes(m.bytesRead),
    bytes(m.bytesWritten),
  ]);
  return columns(head, rows);
}

/** 1.5 MB: powers of 1000, as disks and networks are sold. */
export function bytes(n: number | undefined): string {
  if (n === undefined) return '';
  let value = n;
  for (const unit of ['B', 'kB', 'MB', 'GB']) {
    if (value < 1000) return `${unit === 'B' ? value : value.toFixed(1)} ${unit}`;
    value /= 1000;
  }
  return `${value.toFixed(1)} TB`;
}
