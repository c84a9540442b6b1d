// SPDX-License-Identifier: MIT

import { type BenchArgs, chosen, wanted } from '../args.ts';
import type { Cleanup } from '../common/cleanup.ts';
import { packageVersion } from '../common/package.ts';
import { median, ratio } from '../common/stats.ts';
import { figure, table, times } from '../common/table.ts';
import type { Part } from '../page.ts';
import { PROXY_ROWS } from './rows.ts';
import { OUR_HELPER, PROXY_PEERS, QEMUS_HELPER, runProxyRows } from './run.ts';

/** `npm run bench -- --only proxy`; undefined when no row is wanted. As root only: so must the helpers be. */
export async function proxyPart(args: BenchArgs, cleanup: Cleanup): Promise<Part | undefined> {
  const rows = PROXY_ROWS.filter((r) => wanted(r, args.row));
  if (rows.length === 0 || process.geteuid?.() !== 0) return undefined;
  const asked = PROXY_PEERS.filter((p) => chosen(p.name, args.peers));
  const peers = asked.filter((p) => p.command() !== undefined);
  const rounds = args.rounds ?? (args.quick ? 1 : 5);
  const results = await runProxyRows({ rounds, divide: args.quick ? 10 : 1, rows, peers }, cleanup);
  const of = (key: string, name: string): number | undefined => median(results.get(key)?.get(name) ?? []);
  const body = rows.map((row) => {
    const values = peers.map((p) => of(row.key, p.name));
    const compared = ratio(of(row.key, OUR_HELPER.name), of(row.key, QEMUS_HELPER.name));
    return [row.title, ...values.map(figure), times(compared)];
  });
  return {
    key: 'proxy',
    title: "virtfs-proxy-helper: CPU per request, against QEMU's own",
    text: `µs of the helper's CPU per request (all threads of all its processes). One connection over a socket pair, one request at a time as QEMU does it, client and
helper on the same CPU, files on tmpfs four levels down, one warm-up alike for both; ours as it is started, in bubblewrap. Median of ${rounds} rounds in turn.`,
    table: table(['workload', ...peers.map((p) => p.name), 'ninefold/QEMU'], body),
    versions: peers.map((p) =>
      p === OUR_HELPER ? `${p.name} this tree` : `${p.name} ${packageVersion('qemu-system-common')}`,
    ),
    missing: asked
      .filter((p) => !peers.includes(p))
      .map((p) => `${p.name} is not here, so its column is left out: ${p.missing}`),
  };
}
