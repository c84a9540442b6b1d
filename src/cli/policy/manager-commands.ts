// SPDX-License-Identifier: MIT
// What the folder share manager needs beside the commands for people.

import { join } from 'node:path';
import { Command } from 'commander';
import { printable } from '../../base/error.ts';
import { bad } from '../../policy/parsed.ts';
import { formatRule, parseRule, type Rule } from '../../policy/rule.ts';
import { ruleWords } from '../../policy/words.ts';
import { print } from '../print.ts';
import { say, usageError } from '../report.ts';
import { readInput } from '../rpc/input.ts';
import type { Books } from './desk.ts';
import { allMachines } from './machines.ts';
import { policyPaths } from './paths.ts';
import { putRule } from './rules.ts';

const RULE_BYTES_MAX = 64 * 1024;

const json = (value: unknown): void => print(`${JSON.stringify(value, null, 2)}\n`);

/** `ninefold policy put`: the inverse of revoke, and the way to change a rule without losing what it is bound to. */
export function putCommand(books: () => Promise<Books>): Command {
  return new Command('put')
    .description(
      'Puts a rule back as "revoke --json" or "list --json" showed it, or as it was changed: one JSON object on standard input. It takes the place of the rule of that id and of the one for the same folder.',
    )
    .option(
      '--if-is <rule>',
      'only if the rule of its id still is this one, as JSON: else nothing is changed',
    )
    .option('--json', 'one JSON object')
    .action(async (flags: { ifIs?: string; json?: boolean }) => {
      const bytes = await readInput(process.stdin, RULE_BYTES_MAX);
      const wanted = ruleOf('the rule on standard input', Buffer.from(bytes ?? []).toString('utf8'));
      const ifIs = flags.ifIs === undefined ? undefined : ruleOf('the rule of --if-is', flags.ifIs);
      const { rule, replaced, notes } = await putRule(await books(), wanted, ifIs);
      if (flags.json === true) json({ ...formatRule(rule), replaced: replaced.map(formatRule) });
      else print(`${ruleWords(rule)}\n`);
      for (const note of notes) say(`ninefold policy: note: ${printable(note)}`);
    });
}

/** Throws NinefoldError RULE_JSON (exit 64). */
function ruleOf(on: string, text: string): Rule {
  const entry = jsonOf(text);
  const parsed = entry === undefined ? bad('it is no JSON') : parseRule(entry);
  if (parsed.ok) return parsed.value;
  throw usageError(
    'RULE_JSON',
    'cannot understand',
    on,
    printable(parsed.why),
    'give it as "ninefold policy list --json" shows one',
  );
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** `ninefold policy paths`: the files to watch for changes. */
export function pathsCommand(): Command {
  return new Command('paths')
    .description('Shows where the rules, the log and the sessions are.')
    .option('--json', 'one JSON object')
    .action((flags: { json?: boolean }) => {
      const { dir, policyFile, qubes } = policyPaths();
      const paths = {
        dir,
        rules: join(dir, 'policy.json'),
        log: join(dir, 'audit.jsonl'),
        sessions: join(dir, 'sessions'),
        ...(policyFile === undefined ? {} : { qrexec: policyFile }),
        qubes,
      };
      if (flags.json === true) return json(paths);
      for (const [name, path] of Object.entries(paths))
        if (name !== 'qubes') print(`${name.padEnd(10)}${printable(String(path))}\n`);
    });
}

/** `ninefold policy machines`: the names that rules can have. */
export function machinesCommand(): Command {
  return new Command('machines')
    .description(
      'Shows the machines that there are: of Qubes, else of the configuration of the broker at its usual place, or the one that NINEFOLD_BROKER_CONFIG names.',
    )
    .option('--json', 'one JSON array')
    .action(async (flags: { json?: boolean }) => {
      const machines = await allMachines();
      if (flags.json === true) return json(machines);
      for (const { name, disposable } of machines) print(`${name}${disposable ? '  disposable' : ''}\n`);
    });
}
