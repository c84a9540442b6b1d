// SPDX-License-Identifier: MIT

import type { Command } from 'commander';
import { printable } from '../../base/error.ts';
import { moment } from '../../policy/words.ts';
import { bytes } from '../mount/list-command.ts';
import { print } from '../print.ts';
import { table } from '../table.ts';
import { openBooks } from './desk.ts';

/** `ninefold sessions [--json]` */
export function addSessions(program: Command): Command {
  return program
    .command('sessions')
    .summary('show who has which folder mounted now')
    .description(
      'Shows the mounts that this machine has allowed and that go on now, and how much was read and written: that is what the machine says whose folder it is, and empty where its server is too old to say it. "ninefold policy revoke ID" ends one.',
    )
    .option('--json', 'one JSON array')
    .helpOption('-h, --help', 'show this')
    .addHelpText('after', '\nExamples:\n  ninefold sessions\n  ninefold sessions --json | jq -r ".[].id"')
    .action(({ json }: { json?: boolean }) => {
      const { sessions: live } = openBooks(() => {});
      const sessions = live.list().map((s) => ({ ...s, traffic: live.traffic(s.id) }));
      if (json === true) {
        const shown = sessions.map(({ since, until, traffic, ...s }) => ({
          ...s,
          since: new Date(since).toISOString(),
          ...(until === undefined ? {} : { until: new Date(until).toISOString() }),
          ...(traffic === undefined ? {} : { traffic }),
        }));
        print(`${JSON.stringify(shown, null, 2)}\n`);
      } else if (sessions.length === 0) print('Nobody has a folder mounted.\n');
      else
        print(
          table(
            ['ID', 'SOURCE', 'TARGET', 'FOLDER', 'ACCESS', 'SINCE', 'RULE', 'READ', 'WRITTEN'],
            sessions.map((s) => [
              s.id,
              s.source,
              s.target,
              printable(s.folder),
              s.access === 'ro' ? 'read only' : 'read, write',
              moment(s.since),
              s.rule,
              bytes(s.traffic?.read),
              bytes(s.traffic?.written),
            ]),
          ),
        );
    });
}
