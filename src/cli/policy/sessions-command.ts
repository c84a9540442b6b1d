// SPDX-License-Identifier: MIT

import type { Command } from 'commander';
import { printable } from '../../base/error.ts';
import { readConfig } from '../../broker/config.ts';
import type { Session } from '../../broker/sessions.ts';
import { moment } from '../../policy/words.ts';
import { brokerConfig } from '../broker/places.ts';
import { bytes } from '../mount/list-command.ts';
import { survey } from '../mount/survey.ts';
import { table } from '../table.ts';
import { openBooks } from './desk.ts';
import { policyPaths } from './paths.ts';
import { type Traffic, trafficOf } from './traffic.ts';

/** `ninefold sessions [--json]` */
export function addSessions(program: Command): Command {
  return program
    .command('sessions')
    .summary('show who has which folder mounted now')
    .description(
      'Shows the mounts that this machine has allowed and that go on now. "ninefold policy revoke ID" ends one.',
    )
    .option('--json', 'one JSON array')
    .helpOption('-h, --help', 'show this')
    .addHelpText('after', '\nExamples:\n  ninefold sessions\n  ninefold sessions --json | jq -r ".[].id"')
    .action(async ({ json }: { json?: boolean }) => {
      const sessions = openBooks(() => {}).sessions.list();
      const traffic = sessions.length === 0 ? new Map<string, Traffic>() : await known(sessions);
      if (json === true) {
        const shown = sessions.map(({ birth: _, since, until, ...s }) => ({
          ...s,
          since: new Date(since).toISOString(),
          ...(until === undefined ? {} : { until: new Date(until).toISOString() }),
          ...(traffic.has(s.id) ? { traffic: traffic.get(s.id) } : {}),
        }));
        process.stdout.write(`${JSON.stringify(shown, null, 2)}\n`);
      } else if (sessions.length === 0) process.stdout.write('Nobody has a folder mounted.\n');
      else
        process.stdout.write(
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
              bytes(traffic.get(s.id)?.read),
              bytes(traffic.get(s.id)?.written),
            ]),
          ),
        );
    });
}

/** In dom0 nothing is mounted, and a broker's configuration that is wrong is no reason to hide the sessions. */
async function known(sessions: readonly Session[]): Promise<Map<string, Traffic>> {
  if (policyPaths().qubes) return new Map();
  try {
    return trafficOf(sessions, await survey(), readConfig(brokerConfig()).self);
  } catch {
    return new Map();
  }
}
