// SPDX-License-Identifier: MIT

import { type BenchArgs, chosen, wanted } from '../args.ts';
import type { Cleanup } from '../common/cleanup.ts';
import type { Part } from '../page.ts';
import { MOUNT_PEERS } from './peers.ts';
import { renderMount, renderMountCpu } from './render.ts';
import { SCENARIOS } from './rows.ts';
import { runMountRows, SETTLE_MS } from './run.ts';
import { FULL, QUICK } from './tree.ts';

/** The second half of `npm run bench`; undefined when no row is wanted. */
export async function mountPart(args: BenchArgs, cleanup: Cleanup): Promise<Part | undefined> {
  // A scenario runs whole: its later rows need its earlier ones.
  const scenarios = SCENARIOS.filter((s) => s.steps.some((step) => wanted(step, args.row)));
  if (scenarios.length === 0) return undefined;
  const asked = MOUNT_PEERS.filter((p) => chosen(p.name, args.peers));
  const peers = asked.filter((p) => p.available());
  const missing = asked.filter((p) => !peers.includes(p));
  const rounds = args.rounds ?? (args.quick ? 1 : 3);
  const size = args.quick ? QUICK : FULL;
  const results = await runMountRows({ rounds, scenarios, peers, size, measured: !args.quick }, cleanup);
  const steps = scenarios.flatMap((s) => s.steps);
  return {
    key: 'mount',
    title: 'Mount: what a person waits for',
    text: `Milliseconds of wall clock. A tree of ${size.files} files with a git repository, a file of ${size.bigMiB} MiB, ${size.smallFiles} small files to copy in; all served from
memory (tmpfs), but for the write, which goes to a disk. "First" is on a fresh mount that has been there for ${SETTLE_MS / 1000} s, on every system (a person has to type the command; ours compiles its own code
meanwhile, up to 0.5 s of processor time for the mount and 0.25 s for the server, which the second table does not count); "at once" is without that second, "again" straight after the first. sshfs talks to sftp-server over a
socket pair: no SSH, no network. All with default_permissions, nosuid, nodev, in sessions of their own. Median of ${rounds} rounds in turn.`,
    table: `${renderMount(results, steps, peers)}\n\nCPU of the system's own processes, all of both sides:\n\n${renderMountCpu(results, steps, peers)}`,
    versions: peers.map((p) => `${p.name} ${p.version()}`),
    missing: missing.map((p) => `${p.name} is not here, so its column is left out: ${p.missing}`),
  };
}
