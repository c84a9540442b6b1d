// SPDX-License-Identifier: MIT
// node dist/bench/startup.js [STARTS]: how long a server takes from nothing to its first reply, sandbox and all; 20 starts of each in turn.

import { rmSync } from 'node:fs';
import { Cleanup } from './common/cleanup.ts';
import { median } from './common/stats.ts';
import { figure, table } from './common/table.ts';
import { makeFolder } from './server/fixture.ts';
import { launch } from './server/launch.ts';
import { SERVER_PEERS } from './server/peers.ts';
import { START_GOAL_MS } from './server/render.ts';

const starts = Number(process.argv[2] ?? 20);
if (!Number.isInteger(starts) || starts < 1 || starts > 1000) {
  process.stderr.write('startup: STARTS is a number from 1 to 1000\n');
  process.exit(64);
}
const cleanup = new Cleanup();
cleanup.onEnd();
const dir = makeFolder('disk', cleanup);
rmSync(`${dir}/data`);

const body: string[][] = [];
for (const peer of SERVER_PEERS) {
  if (peer.command(dir, 0) === undefined) {
    process.stdout.write(`${peer.name} is not here: ${peer.missing}\n`);
    continue;
  }
  const reply: number[] = [];
  const cpu: number[] = [];
  for (let i = 0; i < starts; i++) {
    const server = await launch(peer, dir, cleanup);
    reply.push(server.startMs);
    cpu.push(server.meter.cpu() / 1e6);
    await server.end();
  }
  const of = (v: number[]): string[] => [figure(Math.min(...v)), figure(median(v)), figure(Math.max(...v))];
  body.push([peer.name, ...of(reply), figure(median(cpu))]);
}
process.stdout.write(
  `${table(['ms to the first reply', 'least', 'median', 'most', 'CPU ms, median'], body)}\ngoal: ≤ ${START_GOAL_MS} ms sandboxed; ${starts} starts each\n`,
);
