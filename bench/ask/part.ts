// SPDX-License-Identifier: MIT

import type { BenchArgs } from '../args.ts';
import type { Cleanup } from '../common/cleanup.ts';
import { newFolder } from '../common/folder.ts';
import { Progress } from '../common/progress.ts';
import { isMounted } from '../mount/point.ts';
import type { Part } from '../page.ts';
import { renderAsk } from './render.ts';
import { makeRig } from './ways.ts';

/** The part of `npm run bench` about authorization: what the broker adds to a mount beside a person's thinking time. */
export async function askPart(args: BenchArgs, cleanup: Cleanup): Promise<Part | undefined> {
  if (!'authorization'.includes(args.row.toLowerCase()) || args.peers.length > 0) return undefined;
  const rounds = args.rounds ?? (args.quick ? 2 : 15);
  const dir = newFolder('disk', 0, cleanup, () => isMounted(`${dir}/mnt`));
  const { ways, time } = await makeRig(dir, cleanup);
  const times = new Map<string, number[]>(ways.map((way) => [way.key, []]));
  const progress = new Progress((rounds + 1) * ways.length);
  // The first round warms up: programs come from the disk.
  for (let round = 0; round <= rounds; round++)
    for (const way of round % 2 === 0 ? ways : ways.toReversed()) {
      progress.step(way.title);
      const ms = await time(way);
      if (round > 0) times.get(way.key)?.push(ms);
    }
  progress.end();
  return {
    key: 'ask',
    title: 'Authorization: what asking adds to a mount',
    text: `Milliseconds from the start of \`ninefold mount\` to its end, when the mount answers; a folder of the same machine, its server sandboxed in each row. The machine's agent is a command, as the server of
the first row is; the asking program is a shell's \`echo\`. Directly, the server starts after the mount's own process; through the broker it starts beside that, so the difference may be less than nothing. Median of ${rounds} rounds in turn.`,
    table: renderAsk(ways, times),
    versions: ['ninefold this tree'],
    missing: [],
  };
}
