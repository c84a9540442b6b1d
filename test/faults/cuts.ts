// SPDX-License-Identifier: MIT
// Power cuts: a served ext4, two writers through a mount of it, the power fails at a random moment; after the disk is mounted again, every step
// that was acknowledged by fsync(2) before it failed must be there.

import { closeSync, fsyncSync, mkdirSync, mkdtempSync, openSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { createRandom } from '../helpers/random.ts';
import { quickPlace } from '../scale/ground.ts';
import { Writer } from './ground.ts';
import { serveAndMount } from './in-process.ts';
import { LoopFs } from './loop-fs.ts';
import { stateOf } from './loop-state.ts';
import { lostInCut } from './survived.ts';

export interface CutReport {
  cuts: number;
  /** Steps that had been acknowledged before the cuts. */
  steps: number;
  /** Steps that were under way at a cut. */
  open: number;
  lost: string[];
  /** What the writers were told, and how often. */
  codes: Record<string, number>;
  seconds: number;
}

function syncFolder(path: string): void {
  const fd = openSync(path, 'r');
  fsyncSync(fd);
  closeSync(fd);
}

const DISK_MB = 256;
/** After so many cuts the disk is checked by e2fsck and made anew. */
const CUTS_PER_DISK = 20;
const WRITERS = ['a', 'b'];

/** Cuts the power `cuts` times, or until something is lost. Nothing is left mounted or running. */
export async function cutPower(
  cuts: number,
  seed: number,
  onCut: (done: number) => void = () => {},
  stop: () => boolean = () => false,
): Promise<CutReport> {
  const base = mkdtempSync(join(quickPlace(), 'ninefold-cuts-'));
  const disk = new LoopFs(base);
  const random = createRandom(seed);
  const writers = WRITERS.map(() => new Writer());
  const report: CutReport = { cuts: 0, steps: 0, open: 0, lost: [], codes: {}, seconds: 0 };
  const begin = performance.now();
  try {
    for (let cut = 0; cut < cuts && !stop(); cut++) {
      if (cut % CUTS_PER_DISK === 0) {
        if (cut > 0) await disk.check();
        await disk.make(DISK_MB);
      }
      await disk.mount();
      const folders = WRITERS.map((w) => `${w}${cut}`);
      for (const f of folders) mkdirSync(join(disk.dir, f));
      // The writers' own folders are there before anything counts.
      syncFolder(disk.dir);
      const records = await oneCut(disk, writers, folders, random);
      await disk.mount();
      for (const [i, record] of records.entries()) {
        const where = join(disk.dir, folders[i] as string);
        report.lost.push(
          ...(await judge(disk, where, record)).map(
            (why) => `seed ${seed}, cut ${cut}, ${folders[i]}/${why}`,
          ),
        );
        // The disk is looked at no further, and no longer used.
        if (report.lost.length > 0) return report;
        report.steps += record.acknowledged.length;
        if (record.open !== undefined) report.open++;
        report.codes[record.code] = (report.codes[record.code] ?? 0) + 1;
        rmSync(where, { recursive: true });
      }
      await disk.unmount();
      report.cuts++;
      onCut(report.cuts);
    }
    await disk.check();
  } finally {
    for (const w of writers) await w.end();
    await disk.end();
    rmSync(base, { recursive: true, force: true });
    report.seconds = Math.round((performance.now() - begin) / 1000);
  }
  return report;
}

type CutRecord = Awaited<ReturnType<Writer['run']>> & { readonly sure: number };

/** What was lost below `where`, read straight from the file system. One that cannot be read is told with all that is known of the disk, and looked at again after another mount. */
async function judge(disk: LoopFs, where: string, record: CutRecord): Promise<string[]> {
  const look = (): string[] => lostInCut(where, record, record.sure);
  try {
    return look();
  } catch (error) {
    const words = `cannot be read, without a server or a mount of ours: ${error}; ${stateOf(disk.dir, disk.image)}`;
    await disk.unmount();
    await disk.mount();
    try {
      return [`${words}; after another mount ${JSON.stringify(look())} of it is lost`];
    } catch (again) {
      return [`${words}; after another mount ${again}; ${stateOf(disk.dir, disk.image)}`];
    }
  }
}

/** Serves, mounts, writes, cuts, and takes all down but the disk's image. */
async function oneCut(
  disk: LoopFs,
  writers: readonly Writer[],
  folders: readonly string[],
  random: (n: number) => number,
): Promise<CutRecord[]> {
  const pair = await serveAndMount(disk.dir);
  try {
    let begun: () => void = () => {};
    const first = new Promise<void>((resolve) => {
      begun = resolve;
    });
    const least = 1 + random(12);
    const counts = writers.map(() => 0);
    const runs = writers.map((w, i) =>
      w.run(join(pair.mount.dir, folders[i] as string), random(0x7fffffff), (n) => {
        counts[i] = n;
        if (n === least) begun();
      }),
    );
    // A writer that cannot write at all ends by itself.
    await Promise.race([first, ...runs]);
    await new Promise((resolve) => setTimeout(resolve, random(60)));
    const sure = [...counts];
    await disk.cut();
    return (await Promise.all(runs)).map((record, i) => ({ ...record, sure: sure[i] ?? 0 }));
  } finally {
    await pair.end();
    await disk.unmount();
  }
}
