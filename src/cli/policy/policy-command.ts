// SPDX-License-Identifier: MIT

import { Command } from 'commander';
import { EXIT, printable } from '../../base/error.ts';
import { selects } from '../../policy/change.ts';
import { formatRule, isAlive, type Request, type Rule } from '../../policy/rule.ts';
import { explain, ruleWords } from '../../policy/words.ts';
import { addHelp } from '../help-command.ts';
import { print } from '../print.ts';
import { say, usageError } from '../report.ts';
import { table } from '../table.ts';
import { type Books, openBooks } from './desk.ts';
import { type LastUse, lastUses } from './last-uses.ts';
import { logCommand } from './log-command.ts';
import { machinesCommand, pathsCommand, putCommand } from './manager-commands.ts';
import {
  addRule,
  durationArgument,
  folderArgument,
  nameArgument,
  placeArgument,
  revokeRules,
} from './rules.ts';

const PROGRAM = 'ninefold policy';

/** `ninefold policy list|allow|deny|block|revoke|put|explain|log|check|restore|paths|machines` */
export function addPolicy(program: Command): Command {
  const policy = program
    .command('policy')
    .summary('see and change who may mount what')
    .description(
      'Shows and changes the rules that decide who may mount which folder of whom: those of dom0 in Qubes, else those of "ninefold broker".',
    )
    .helpOption('-h, --help', 'show this')
    .addHelpText('after', HELP);
  policy.addCommand(list());
  for (const effect of ['allow', 'deny'] as const) policy.addCommand(add(effect));
  policy.addCommand(block());
  policy.addCommand(revoke());
  policy.addCommand(explainCommand());
  policy.addCommand(logCommand());
  policy.addCommand(check());
  policy.addCommand(restore());
  policy.addCommand(putCommand(books));
  policy.addCommand(pathsCommand());
  policy.addCommand(machinesCommand());
  addHelp(policy);
  for (const command of policy.commands) command.helpOption('-h, --help', 'show this');
  return policy;
}

async function books(): Promise<Books> {
  const opened = openBooks((line) => say(`${PROGRAM}: ${line}`));
  await opened.store.repair();
  return opened;
}

const show = (json: boolean | undefined, value: unknown, text: string): void =>
  print(json === true ? `${JSON.stringify(value, null, 2)}\n` : text);

function list(): Command {
  return new Command('list')
    .description('Shows all rules that have not run out.')
    .option('--source <machine>', 'only of who mounts')
    .option('--target <machine>', 'only of whose folder it is')
    .option('--uses', 'with --json: also when each was used last, from the log')
    .option('--json', 'one JSON array')
    .action(async (flags: { source?: string; target?: string; uses?: boolean; json?: boolean }) => {
      const of = {
        ...(flags.source === undefined ? {} : { source: nameArgument(flags.source) }),
        ...(flags.target === undefined ? {} : { target: nameArgument(flags.target) }),
      };
      const { store, audit, now } = await books();
      const rules = store.load().rules.filter((r) => selects(of, r) && isAlive(r, now()));
      const uses = flags.uses === true ? lastUses(audit.path, rules) : new Map<string, LastUse>();
      const json = rules.map((r) => ({
        ...formatRule(r),
        ...(uses.has(r.id) ? { used: uses.get(r.id) } : {}),
      }));
      show(flags.json, json, rulesTable(rules));
    });
}

function rulesTable(rules: readonly Rule[]): string {
  if (rules.length === 0) return 'There are no rules: everything is asked about.\n';
  return table(
    ['ID', 'RULE', 'SOURCE', 'TARGET', 'FOLDER', 'ACCESS', 'LASTS', 'MADE'],
    rules.map((r) => {
      const json = formatRule(r);
      const lasts =
        r.lasts === 'always'
          ? 'always'
          : `${r.lasts === 'once' ? 'once, until' : 'until'} ${json.until?.slice(0, 19).replace('T', ' ')}`;
      const access = r.effect === 'allow' ? (r.access === 'ro' ? 'read only' : 'read, write') : '';
      return [
        r.id,
        r.effect,
        r.source,
        r.target,
        r.effect === 'block' ? '(all)' : printable(r.folder),
        access,
        lasts,
        `${json.made?.slice(0, 10)} ${r.origin}`,
      ];
    }),
  );
}

function add(effect: 'allow' | 'deny'): Command {
  const command = new Command(effect)
    .description(
      effect === 'allow'
        ? 'Lets a machine mount a folder of another, and all below it, without a question.'
        : 'Refuses a machine a folder of another, and all below it, without a question; ends the mounts that there are.',
    )
    .argument('<source>', 'who mounts')
    .argument('<target:/folder>', 'whose folder, and which')
    .option('--for <time>', 'how long: 90s, 30m, 8h, 7d (else always)')
    .option('--json', 'one JSON object');
  if (effect === 'allow')
    command.option('-r, --read-only', 'reading only').option('--once', 'one mount, within two minutes');
  return command.action(
    async (
      source: string,
      place: string,
      flags: { for?: string; once?: boolean; readOnly?: boolean; json?: boolean },
    ) => {
      if (flags.once === true && flags.for !== undefined)
        throw usageError(
          'RULE_TIME',
          'cannot grant',
          'once and for a time',
          'once is within two minutes',
          'choose one of them',
        );
      const seconds = flags.for === undefined ? {} : { seconds: durationArgument(flags.for) };
      const access = flags.readOnly === true ? 'ro' : 'rw';
      const once = flags.once === true;
      await tellRule(
        { effect, source: nameArgument(source), ...placeArgument(place), access, once, ...seconds },
        flags.json,
      );
    },
  );
}

async function tellRule(wanted: Parameters<typeof addRule>[1], json: boolean | undefined): Promise<void> {
  const { rule, replaced, notes } = await addRule(await books(), wanted);
  const whole = {
    ...formatRule(rule),
    ...(replaced.length === 0 ? {} : { replaced: replaced.map(formatRule) }),
  };
  show(json, whole, `${ruleWords(rule)}\n`);
  for (const note of notes) say(`${PROGRAM}: note: ${printable(note)}`);
}

function block(): Command {
  return new Command('block')
    .description(
      'Refuses everything that a machine asks of another, whatever other rules say; ends the mounts that there are.',
    )
    .argument('<source>', 'who asks')
    .argument('<target>', 'of whom')
    .option('--for <time>', 'how long: 90s, 30m, 8h, 7d (else always)')
    .option('--json', 'one JSON object')
    .action(async (source: string, target: string, flags: { for?: string; json?: boolean }) => {
      const seconds = flags.for === undefined ? {} : { seconds: durationArgument(flags.for) };
      await tellRule(
        {
          effect: 'block',
          source: nameArgument(source),
          target: nameArgument(target),
          folder: '/',
          access: 'rw',
          once: false,
          ...seconds,
        },
        flags.json,
      );
    });
}

function revoke(): Command {
  return new Command('revoke')
    .description('Takes rules away and ends the mounts that they allowed, within a second.')
    .argument('[id]', 'a rule, or a session, by its id')
    .option('--source <machine>', 'all of who mounts')
    .option('--target <machine>', 'all of whose folder it is')
    .option('--folder <path>', 'all for that folder and below it')
    .option('--all', 'all rules: grants, denials and blocks')
    .option('--json', 'one JSON object')
    .action(
      async (
        id: string | undefined,
        flags: { source?: string; target?: string; folder?: string; all?: boolean; json?: boolean },
      ) => {
        const selector = {
          ...(id === undefined ? {} : { id }),
          ...(flags.source === undefined ? {} : { source: nameArgument(flags.source) }),
          ...(flags.target === undefined ? {} : { target: nameArgument(flags.target) }),
          ...(flags.folder === undefined ? {} : { folder: folderArgument(flags.folder), below: true }),
        };
        if (Object.keys(selector).length === 0 && flags.all !== true)
          throw usageError(
            'RULE_WHICH',
            'cannot revoke',
            'nothing',
            'no rule is named',
            'give an id, --source, --target, --folder or --all',
          );
        const { rules, sessions } = await revokeRules(await books(), selector);
        show(
          flags.json,
          { rules: rules.map(formatRule), sessions },
          `${rules.map((r) => `taken away: ${ruleWords(r)}\n`).join('')}${endedWords(sessions)}`,
        );
        if (rules.length > 0 || sessions > 0) return;
        say(`${PROGRAM}: no rule and no mount is like that; see "ninefold policy list"`);
        process.exitCode = EXIT.noInput;
      },
    );
}

function explainCommand(): Command {
  return new Command('explain')
    .description('Tells what a request would get, and which rule decides it.')
    .argument('<source>', 'who would mount')
    .argument('<target:/folder>', 'whose folder, and which')
    .option('-r, --read-only', 'reading only')
    .option('--json', 'one JSON object')
    .action(async (source: string, place: string, flags: { readOnly?: boolean; json?: boolean }) => {
      const { store, now } = await books();
      const request: Request = {
        source: nameArgument(source),
        ...placeArgument(place),
        access: flags.readOnly === true ? 'ro' : 'rw',
      };
      const decision = store.load().decide(request, now());
      const words = explain(request, decision);
      if (request.source === request.target)
        return show(flags.json, { request, decision: 'invalid', rule: null, words }, `${words}\n`);
      const rule = decision.rule === undefined ? null : formatRule(decision.rule);
      show(flags.json, { request, decision: decision.kind, rule, words }, `${words}\n`);
    });
}

function check(): Command {
  return new Command('check')
    .description(
      'Looks whether the list of rules is whole and brings the policy of qrexec into line; drops what has run out.',
    )
    .action(async () => {
      const { store, gate } = await books();
      gate.sweep();
      const where = store.policyFile === undefined ? '' : `, and ${printable(store.policyFile)} agrees`;
      print(`${printable(store.path)}: ${store.load().rules.length} rules${where}\n`);
    });
}

function restore(): Command {
  return new Command('restore')
    .description(
      'Puts the version of the rules before the last change in the place of a damaged one, and of no other.',
    )
    .action(async () => {
      const { store, audit } = openBooks((line) => say(`${PROGRAM}: ${line}`));
      const count = await store.restore();
      audit.write({
        event: 'change',
        result: 'restored',
        count,
        why: 'the version before the last change is back',
      });
      print(`${printable(store.path)}: ${count} rules of the version before are back\n`);
    });
}

const HELP = `
The rule for the deepest folder decides; a denial wins over an allowance for the same folder, a block over everything.

Examples:
  ninefold policy list
  ninefold policy allow work vault:/home/user/docs --read-only --for 8h
  ninefold policy deny work vault:/home/user/docs/private
  ninefold policy explain work vault:/home/user/docs/private/letters
  ninefold policy revoke --source work
  ninefold policy log`;

const endedWords = (mounts: number): string =>
  mounts === 0 ? '' : mounts === 1 ? 'one mount is ended\n' : `${mounts} mounts are ended\n`;
