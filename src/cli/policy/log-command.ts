// SPDX-License-Identifier: MIT

import { Command } from 'commander';
import { printable } from '../../base/error.ts';
import type { AuditLine } from '../../broker/audit.ts';
import { isPlace, readPage } from '../../broker/audit-pages.ts';
import { print } from '../print.ts';
import { say, usageError } from '../report.ts';
import { numberOption } from '../values.ts';
import { openBooks } from './desk.ts';
import { nameArgument } from './rules.ts';

interface LogFlags {
  readonly lines: string;
  readonly source?: string;
  readonly json?: boolean;
  readonly page?: boolean;
  readonly before?: string;
}

const AT_ONCE = 5000;

/** `ninefold policy log`. Also when the list of rules is damaged: the log says what happened. */
export function logCommand(): Command {
  return new Command('log')
    .description('Shows what was asked, decided, connected and ended, the latest last.')
    .option('-n, --lines <n>', 'how many (0: all)', '50')
    .option('--source <machine>', 'only of who mounts')
    .option('--json', 'JSON lines, as they stand in the file')
    .option('--page', 'JSON lines with the place of each, and a last one that tells where older ones are')
    .option('--before <place>', 'with --page: those before that place')
    .action((flags: LogFlags) => {
      if (flags.before !== undefined) checkPlace(flags.before, flags.page === true);
      const max = numberOption('--lines', flags.lines, 0, 1_000_000);
      if (flags.source !== undefined) nameArgument(flags.source);
      const { path } = openBooks(() => {}).audit;
      if (flags.page === true) page(path, max === 0 ? AT_ONCE : max, flags.before);
      else latest(path, max === 0 ? Number.POSITIVE_INFINITY : max, flags);
    });
}

function checkPlace(before: string, page: boolean): void {
  if (!page)
    throw usageError('USAGE', 'cannot use', '--before', 'it needs --page', 'add that, or leave it out');
  if (!isPlace(before))
    throw usageError(
      'OPTION_VALUE',
      'cannot use',
      `--before "${printable(before)}"`,
      'it is no place in the log',
      'give an "id" or the "older" of a page before',
    );
}

/** What windows read: they go back as far as a person wants to. */
function page(path: string, max: number, before: string | undefined): void {
  const { lines, older } = readPage(path, { max, before });
  const out = lines.map(({ id, line }) =>
    JSON.stringify(line === undefined ? { id, damaged: true } : { ...line, id }),
  );
  out.push(JSON.stringify({ page: older === undefined ? {} : { older } }));
  print(`${out.join('\n')}\n`);
}

function latest(path: string, max: number, { source, json }: LogFlags): void {
  const found: AuditLine[] = [];
  let damaged = 0;
  for (let before: string | undefined; found.length < max; ) {
    const { lines, older } = readPage(path, { max: AT_ONCE, before });
    for (const { line } of [...lines].reverse()) {
      if (line === undefined) damaged++;
      else if ((source === undefined || line.source === source) && found.length < max) found.push(line);
    }
    before = older;
    if (before === undefined) break;
  }
  for (const line of found.reverse()) print(`${json === true ? JSON.stringify(line) : words(line)}\n`);
  if (damaged > 0)
    say(`ninefold policy: note: ${damaged} lines of ${printable(path)}, or of older ones, cannot be read`);
}

function words(line: AuditLine): string {
  const { time, event, source, target, folder, access, service, result, why, count, session } = line;
  const place = `${source ?? ''}${target === undefined ? '' : ` → ${target}`}${folder === undefined ? '' : `:${folder}`}`;
  const all = [
    place,
    access,
    service,
    result,
    count === undefined ? undefined : `${count} times`,
    session,
    why,
  ];
  const told = all.filter((w) => w !== undefined && w !== '').join('  ');
  return printable(`${String(time).slice(0, 19).replace('T', ' ')}  ${String(event).padEnd(10)}  ${told}`);
}
