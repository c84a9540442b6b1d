// SPDX-License-Identifier: MIT

/** What is looked at every five seconds. */
export interface Sample {
  /** Seconds since the load began. */
  at: number;
  /** Resident memory, MiB. */
  mountMB: number;
  serverMB: number;
  /** Open descriptors. */
  mountFds: number;
  serverFds: number;
  /** Of a look at a folder while all goes on, ms: the median over the loads. */
  p50: number;
  p99: number;
  rounds: number;
}

export interface Verdict {
  what: string;
  /** Median of the second quarter, and of the last one. */
  early: number;
  late: number;
  /** The most that `late` may be. */
  limit: number;
  flat: boolean;
}

/**
 * The rule: the median of the last quarter is at most that of the second (the first warms up) plus a tenth, or plus what one sample may differ from another by chance:
 * 8 MiB of memory, 16 descriptors. Latency depends on what else the machine does: at most twice that, plus 1 ms.
 */
export function judge(samples: readonly Sample[]): Verdict[] {
  const part = (from: number, to: number): Sample[] =>
    samples.slice(Math.floor(samples.length * from), Math.floor(samples.length * to));
  const [second, last] = [part(0.25, 0.5), part(0.75, 1)];
  const rule = (what: string, of: (s: Sample) => number, factor: number, more: number): Verdict => {
    const [early, late] = [median(second.map(of)), median(last.map(of))];
    const limit = Math.round((early * factor + more) * 100) / 100;
    return { what, early, late, limit, flat: late <= limit };
  };
  return [
    rule('memory of the mount, MiB', (s) => s.mountMB, 1.1, 8),
    rule('memory of the server, MiB', (s) => s.serverMB, 1.1, 8),
    rule('descriptors of the mount', (s) => s.mountFds, 1.1, 16),
    rule('descriptors of the server', (s) => s.serverFds, 1.1, 16),
    rule('stat, median, ms', (s) => s.p50, 2, 1),
    rule('stat, 99th percentile, ms', (s) => s.p99, 2, 1),
  ];
}

export function median(numbers: readonly number[]): number {
  const sorted = [...numbers].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? 0;
}
