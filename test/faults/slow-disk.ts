// SPDX-License-Identifier: MIT

import { existsSync, mkdirSync, readdirSync, rmdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { run, start } from '../helpers/cli.ts';
import { ask, mountShare, quickPlace, unmountShare, withGround } from '../scale/ground.ts';
import { pause } from './bystander.ts';
import { beside } from './ground.ts';
import { LoopFs, noLoop } from './loop-fs.ts';

const GROUPS = '/sys/fs/cgroup/blkio';
const READERS = 8;
const FILES = 2000;
const BIG = 8 << 20;
export const SLOW_BYTES = 1 << 20;

export function noSlowDisk(): string | undefined {
  const why = noLoop();
  if (why !== undefined) return why;
  return existsSync(join(GROUPS, 'blkio.throttle.read_bps_device'))
    ? undefined
    : 'needs a cgroup (version 1) for block devices, with throttling';
}

export interface SlowReport {
  /** Looks at files while the reads went on. */
  looks: number;
  /** Of a look, ms. */
  p50: number;
  p99: number;
  max: number;
  /** What all readers got together, bytes a second. */
  readRate: number;
}

/**
 * Eight programs read files on a disk that gives 1 MiB a second (a loop device throttled by the kernel for the server's cgroup), through a mount; another one looks
 * at files whose inodes are in memory, each for the first time through this mount.
 */
export async function slowDisk(seconds: number): Promise<SlowReport> {
  let report: SlowReport | undefined;
  await withGround('slow', quickPlace(), async (g) => {
    const disk = new LoopFs(g.dir);
    const group = join(GROUPS, `ninefold-${process.pid}`);
    mkdirSync(group);
    try {
      await disk.make(256);
      await disk.mount();
      mkdirSync(join(disk.dir, 'small'));
      for (let i = 0; i < FILES; i++) writeFileSync(join(disk.dir, 'small', String(i)), 'x');
      for (let i = 0; i < READERS; i++) writeFileSync(join(disk.dir, `big${i}`), Buffer.alloc(BIG, i));
      await disk.unmount();
      await disk.mount();
      for (const name of readdirSync(join(disk.dir, 'small'))) statSync(join(disk.dir, 'small', name));
      const { dev } = statSync(disk.dir);
      // makedev(3): the device of the file system is that of the loop device.
      const [major, minor] = [(dev >> 8) & 0xfff, (dev & 0xff) | ((dev >> 12) & 0xfff00)];
      writeFileSync(join(group, 'blkio.throttle.read_bps_device'), `${major}:${minor} ${SLOW_BYTES}`);
      await mountShare(g, {
        share: disk.dir,
        program: 'qfsd',
        through: ['sh', '-c', 'echo $$ >"$0"/cgroup.procs; exec "$@"', group],
      });
      const readers = Array.from({ length: READERS }, (_, i) =>
        start(['dd', `if=${g.mnt}/big${i}`, 'of=/dev/null', 'bs=128k'], {
          patience: seconds * 1000 + 20_000,
        }),
      );
      await pause(500);
      const times = await ask<number[]>(beside('look', join(g.mnt, 'small'), String(FILES), String(seconds)));
      // Quick again: what is still under way shall not take the rest of the minute.
      writeFileSync(join(group, 'blkio.throttle.read_bps_device'), `${major}:${minor} 0`);
      for (const r of readers) r.child.kill('SIGINT');
      const ended = await Promise.all(readers.map((r) => r.ended));
      const bytes = ended.reduce((sum, r) => sum + Number(/^([0-9]+) bytes/m.exec(r.stderr)?.[1] ?? 0), 0);
      const at = (q: number): number =>
        Math.round((times[Math.min(times.length - 1, Math.floor(times.length * q))] ?? 0) * 1000) / 1000;
      report = {
        looks: times.length,
        p50: at(0.5),
        p99: at(0.99),
        max: at(1),
        readRate: Math.round(bytes / seconds),
      };
      await unmountShare(g);
      await disk.unmount();
    } finally {
      await run(['umount', '-l', g.mnt]);
      await disk.end();
      for (let i = 0; i < 40 && existsSync(group); i++) {
        try {
          rmdirSync(group);
        } catch {
          await pause(50);
        }
      }
    }
  });
  return report as SlowReport;
}
