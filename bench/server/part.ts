// SPDX-License-Identifier: MIT

import { type BenchArgs, chosen, wanted } from '../args.ts';
import type { Cleanup } from '../common/cleanup.ts';
import type { Part } from '../page.ts';
import { SERVER_PEERS } from './peers.ts';
import { renderServer } from './render.ts';
import { SERVER_ROWS } from './rows.ts';
import { runServerRows } from './run.ts';

/** The first half of `npm run bench`; undefined when no row is wanted. */
export async function serverPart(args: BenchArgs, cleanup: Cleanup): Promise<Part | undefined> {
  const rows = SERVER_ROWS.filter((r) => wanted(r, args.row));
  const start = wanted({ key: 'start', title: 'start to first reply' }, args.row);
  const peak = wanted({ key: 'memory', title: 'memory, peak' }, args.row);
  if (rows.length === 0 && !start && !peak) return undefined;
  const asked = SERVER_PEERS.filter((p) => chosen(p.name, args.peers));
  const peers = asked.filter((p) => p.command('/', 0) !== undefined);
  const missing = asked.filter((p) => !peers.includes(p));
  const rounds = args.rounds ?? (args.quick ? 1 : 5);
  const results = await runServerRows(
    { rounds, divide: args.quick ? 10 : 1, rows, peers, starts: start ? (args.quick ? 3 : 20) : 0 },
    cleanup,
  );
  if (!peak) results.peak.clear();
  if (!start) results.quiet.clear();
  return {
    key: 'server',
    title: 'Server: CPU per request',
    text: `µs of server CPU per operation (all threads of all its processes), and µs of wall clock. One 9P connection over a Unix socket pair, client and
servers on the same CPU, msize 65536, files in the page cache (create and unlinkat: on tmpfs), a quiet second after the attach, as between a mount and its first use, and one warm-up alike for all. An operation is a request, in readdir an entry. Median of ${rounds} rounds in turn. The goals are
figures of another machine, where diod was measured too: a goal as a part of what diod needs holds on any machine, one in µs on that one. Started without
NODE_EXTRA_CA_CERTS: Node reads and checks all certificates that it names at each start, whatever the program does (\`node -e 0\`: 27 ms, and 69 with Debian's 140).`,
    table: renderServer(results, rows, peers),
    versions: peers.map((p) => `${p.name} ${p.version()}`),
    missing: missing.map((p) => `${p.name} is not here, so its column is left out: ${p.missing}`),
  };
}
