// SPDX-License-Identifier: MIT
// Runs the conformance cases on a target and prints what passed, failed and cannot be carried.
//
//   node dist/test/conformance/main.js --target local|mount|DIR [--only RE] [--skip FILE] [--count N] [--as-user] [--json] [--slow MS]
//
// --skip: a file of outcomes, as --json prints them: the cases that it names are not run. --count: at most so many are run. Exits 0 when nothing failed, 1 when something did, 64 on usage.

import { parseArgs } from 'node:util';
import { cases } from './cases/index.ts';
import { kept } from './places.ts';
import { type Outcome, runCases } from './run.ts';
import { closeOnSignal, openTarget } from './targets.ts';

const { values } = parseArgs({
  options: {
    target: { type: 'string' },
    only: { type: 'string' },
    skip: { type: 'string' },
    count: { type: 'string', default: '100000' },
    'as-user': { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
    slow: { type: 'string', default: '1000' },
  },
});

if (values.target === undefined) {
  process.stderr.write(
    'usage: main.js --target local|mount|DIR [--only RE] [--as-user] [--json] [--slow MS]\n',
  );
  process.exit(64);
}
const asUser = values['as-user'];
const target = await openTarget(values.target, asUser);
closeOnSignal(target);
let outcomes: Outcome[];
try {
  outcomes = await runCases({
    dir: target.dir,
    caps: target.caps,
    second: target.second,
    asUser,
    skip: new Set(values.skip === undefined ? [] : kept(values.skip).map((o) => o.name)),
    count: Number(values.count),
    ...(values.only === undefined ? {} : { only: new RegExp(values.only) }),
    report: (o) => {
      if (values.json) process.stdout.write(`${JSON.stringify(o)}\n`);
      else if (o.status === 'failed') process.stdout.write(`FAILED  ${o.name}\n        ${o.why}\n`);
      else if (o.ms >= Number(values.slow)) process.stdout.write(`slow    ${o.name}: ${o.ms} ms\n`);
    },
  });
} finally {
  await target.close();
}

const by = (status: Outcome['status']): Outcome[] => outcomes.filter((o) => o.status === status);
if (!values.json) {
  const reasons = new Map<string, string[]>();
  for (const o of by('cannot')) reasons.set(o.why, [...(reasons.get(o.why) ?? []), o.name]);
  for (const [why, names] of reasons)
    process.stdout.write(`cannot be carried (${why}):\n${names.map((n) => `  ${n}\n`).join('')}`);
  process.stdout.write(
    `${values.target}${asUser ? ' as an ordinary user' : ''}: ${by('passed').length} passed, ${by('failed').length} failed, ` +
      `${by('cannot').length} cannot be carried, of ${Object.keys(cases).length}\n`,
  );
}
process.exitCode = by('failed').length > 0 || by('passed').length === 0 ? 1 : 0;
