// SPDX-License-Identifier: MIT

import { readdirSync, readFileSync } from 'node:fs';

/**
 * Nanoseconds on a CPU: the first field of /proc/PID/task/TID/schedstat (Documentation/scheduler/sched-stats.rst: time spent on
 * the cpu, time waiting to run, timeslices run). Undefined when the text is none, as on a kernel without CONFIG_SCHED_INFO.
 */
export function parseSchedstat(text: string): number | undefined {
  const m = /^(\d+) \d+ \d+\s*$/.exec(text);
  return m === null ? undefined : Number(m[1]);
}

/** The parent of the process of a /proc/PID/stat line. The name stands in parentheses and may hold anything, `)` and spaces too (proc(5)). */
export function parseParent(stat: string): number | undefined {
  const m = /^ \S (\d+) /.exec(stat.slice(stat.lastIndexOf(')') + 1));
  return m === null ? undefined : Number(m[1]);
}

/** Peak resident memory in KiB: VmHWM of /proc/PID/status; 0 for what has none (a process that has just ended). */
export function parsePeak(status: string): number {
  return Number(/^VmHWM:\s+(\d+) kB$/m.exec(status)?.[1] ?? 0);
}

/** Every pid below `root` in a table of [pid, parent], `root` first. */
export function treeOf(root: number, parents: ReadonlyMap<number, number>): number[] {
  const found = [root];
  // `found` grows while it is walked; a pid has one parent, so none comes twice.
  for (const pid of found) for (const [child, parent] of parents) if (parent === pid) found.push(child);
  return found;
}

/** The processes of the tree below `root` that exist just now: a sandboxed server is bwrap and, below it, node. */
export function processTree(root: number): number[] {
  const parents = new Map<number, number>();
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    const parent = parseParent(readOr(`/proc/${name}/stat`));
    if (parent !== undefined) parents.set(Number(name), parent);
  }
  return treeOf(root, parents);
}

/** CPU time and memory of a process and all that it started. */
export class Meter {
  private readonly root: number;
  /** The last figure of every thread seen, so that one that ends keeps what it had used. */
  private readonly threads = new Map<string, number>();

  constructor(root: number) {
    this.root = root;
  }

  /** Nanoseconds on a CPU since the start, all threads of all processes. Throws when the kernel keeps no such account. */
  cpu(): number {
    for (const pid of processTree(this.root)) {
      for (const tid of listOr(`/proc/${pid}/task`)) {
        const text = readOr(`/proc/${pid}/task/${tid}/schedstat`);
        if (text === '') continue;
        const ns = parseSchedstat(text);
        if (ns === undefined) throw new Error(`/proc/${pid}/task/${tid}/schedstat: not understood: ${text}`);
        this.threads.set(`${pid}/${tid}`, ns);
      }
    }
    let sum = 0;
    for (const ns of this.threads.values()) sum += ns;
    return sum;
  }

  /** Peak resident memory in MiB, the peaks of all processes added up. */
  peak(): number {
    let kib = 0;
    for (const pid of processTree(this.root)) kib += parsePeak(readOr(`/proc/${pid}/status`));
    return kib / 1024;
  }
}

/** '' for what is gone: processes and threads end while they are being listed. */
function readOr(path: string): string {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    return '';
  }
}

function listOr(path: string): string[] {
  try {
    return readdirSync(path);
  } catch {
    return [];
  }
}
