// SPDX-License-Identifier: MIT

import { mkdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { nodeProgram, run } from '../helpers/cli.ts';
import { createRandom } from '../helpers/random.ts';
import { type Ground, sides, withGround } from '../scale/ground.ts';
import { pause, unmountWhatIsThere } from './bystander.ts';
import { beside, Writer } from './ground.ts';
import { lost } from './survived.ts';

export type Victim = 'server' | 'mount' | 'channel';

export interface KillReport {
  trials: number;
  steps: number;
  lost: string[];
  codes: Record<string, number>;
}

/** What an application may be told when the way to its files has gone. */
export const GONE: readonly string[] = ['ENOTCONN', 'EIO', 'ECONNABORTED'];

/** Mounts a share by the program and its server's command. */
export async function mountBy(g: Ground, server: readonly string[]): Promise<void> {
  const r = await run(nodeProgram('ninefold', 'mount', `exec:${server.join(' ')}`, g.mnt), { env: g.env });
  if (r.code !== 0) throw new Error(`mount: ${r.code} ${r.stderr}`);
}

/**
 * A writer works on a mount; `victim` is killed (SIGKILL; the channel: cut at some byte of some message) at a random moment. Every step acknowledged is in the folder
 * afterwards, the mount goes away, and nothing is left running (withGround looks).
 */
export async function killOnce(victim: Victim, seed: number, report: KillReport): Promise<void> {
  const random = createRandom(seed);
  await withGround(`kill-${victim}`, tmpdir(), async (g) => {
    const serve = nodeProgram('qfsd', '0', '1', g.share, '--sandbox', process.env.NINEFOLD_SANDBOX ?? 'none');
    mkdirSync(join(g.share, 'w'));
    const none = 1e12;
    const bytes = 3000 + random(300_000);
    const [up, down] = random(2) === 0 ? [bytes, none] : [none, 1000 + Math.floor(bytes / 20)];
    await mountBy(g, victim === 'channel' ? [...beside('relay', String(up), String(down)), ...serve] : serve);
    const writer = new Writer();
    try {
      let begun: () => void = () => {};
      const first = new Promise<void>((resolve) => {
        begun = resolve;
      });
      const least = 1 + random(10);
      const works = writer.run(join(g.mnt, 'w'), random(0x7fffffff), (n) => n === least && begun());
      if (victim !== 'channel') {
        await Promise.race([first, works]);
        await pause(random(40));
        process.kill((await sides(g))[victim], 'SIGKILL');
      }
      const record = await works;
      report.trials++;
      report.steps += record.acknowledged.length;
      report.codes[record.code] = (report.codes[record.code] ?? 0) + 1;
      const missing = lost(join(g.share, 'w'), record);
      report.lost.push(...missing.map((why) => `${victim}, seed ${seed}: ${why}`));
    } finally {
      await writer.end();
    }
    await unmountWhatIsThere(g);
  });
}
