// SPDX-License-Identifier: MIT
// Runs the conformance cases on a target and prints what passed, failed and cannot be carried.
//
//   node dist/test/conformance/main.js --target local|mount|DIR [--only RE] [--as-user] [--json] [--slow MS]
//
// Exits 0 when nothing failed, 1 when something did, 64 on usage.

import { parseArgs } from 'node:util';
import { cases } from './cases/index.ts';
import { type Outcome, runCases } from './run.ts';
import { openTarget } from './targets.ts';

const { values } = parseArgs({
  options: {
    target: { type: 'string' },
    only: { type: 'string' },
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
let outcomes: Outcome[];
try {
  outcomes = await runCases({
    dir: target.dir,
    caps: target.caps,
    second: target.second,
    asUser,
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
