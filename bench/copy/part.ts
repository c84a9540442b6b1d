// SPDX-License-Identifier: MIT

import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { type BenchArgs, chosen, wanted } from '../args.ts';
import type { Cleanup } from '../common/cleanup.ts';
import { newFolder } from '../common/folder.ts';
import { packageVersion } from '../common/package.ts';
import { Progress } from '../common/progress.ts';
import type { Part } from '../page.ts';
import { renderCopy } from './render.ts';
import { type CopyTimes, freshTarget, OURS, originalPeer, TAR } from './run.ts';
import { COPY_SETS, type CopySet } from './sets.ts';

/** The third part of `npm run bench`; undefined when no row is wanted. */
export async function copyPart(args: BenchArgs, cleanup: Cleanup): Promise<Part | undefined> {
  const sets = COPY_SETS.filter((s) => wanted(s, args.row));
  if (sets.length === 0) return undefined;
  const original = originalPeer(process.env);
  const peers = [OURS, TAR, ...(original === undefined ? [] : [original])].filter((p) =>
    chosen(p.name, args.peers),
  );
  const rounds = args.rounds ?? (args.quick ? 1 : 3);
  const divide = args.quick ? 10 : 1;
  const results = new Map<string, Map<string, CopyTimes>>();
  const progress = new Progress(sets.length * rounds * peers.length);
  const dirs: string[] = [];
  for (const set of sets) {
    // All that is made stays till the end: for minutes after many files were removed, ext4 passes over their inodes at every new file (`recently_deleted` in
    // fs/ext4/ialloc.c), which costs each peer many times what it is measured for.
    const copies = set.removed ? 1 : rounds * peers.length;
    const dir = newFolder('disk', (1 + copies) * set.size(divide), cleanup);
    dirs.push(dir);
    const from = join(dir, 'from');
    mkdirSync(from);
    set.make(from, divide);
    for (let round = 0; round < rounds; round++)
      // In turn, and each first as often as the other.
      for (const peer of round % 2 === 0 ? peers : peers.toReversed()) {
        progress.step(`${set.title}: ${peer.name}`);
        const times = timesOf(results, set, peer.name);
        try {
          const to = freshTarget(dir, `${peer.name}-${round}`);
          const { ms, peak } = await peer.run(from, to, cleanup);
          if (set.removed) rmSync(to, { recursive: true });
          times.ms.push(ms);
          times.peak = Math.max(times.peak, peak);
        } catch (error) {
          times.failed = (error as Error).message;
          process.stderr.write(`\nbench: ${peer.name}: ${set.title}: ${times.failed}\n`);
        }
      }
  }
  for (const dir of dirs) rmSync(dir, { recursive: true, force: true });
  progress.end();
  return {
    key: 'copy',
    title: 'Copy: files from one program to another',
    text: `Milliseconds from nothing to everything on the disk. Ours: qfile-agent and qfile-unpacker over two pipes, sandbox, checksum and sync included. Sources in the page cache,
one disk for both, a new folder each time. Median of ${rounds} rounds in turn. MiB: the largest resident set of either end.`,
    table: renderCopy(results, sets, peers),
    versions: [`tar ${packageVersion('tar')}`],
    missing: [],
  };
}

function timesOf(results: Map<string, Map<string, CopyTimes>>, set: CopySet, peer: string): CopyTimes {
  const row = results.get(set.key) ?? new Map<string, CopyTimes>();
  results.set(set.key, row);
  const times = row.get(peer) ?? { ms: [], peak: 0 };
  row.set(peer, times);
  return times;
}
