// SPDX-License-Identifier: MIT

import { spawnSync } from 'node:child_process';
import { cpus, release, tmpdir, totalmem } from 'node:os';

/** The kind of machine, in one line that names no machine: `8 × Some CPU, 24 GiB, Linux 6.1, Node 20.19, ext2/ext3`. */
export function machine(): string {
  const all = cpus();
  const fs = spawnSync('stat', ['-f', '-c', '%T', tmpdir()], { encoding: 'utf8' });
  return [
    `${all.length} × ${all[0]?.model.trim() ?? 'unknown CPU'}`,
    `${Math.round(totalmem() / 2 ** 30)} GiB`,
    // The number alone: what follows it names a distribution's build, or a host.
    `Linux ${release().split('-')[0]}`,
    `Node ${process.version.slice(1)}`,
    `files on ${fs.status === 0 ? fs.stdout.trim() : 'an unknown file system'}`,
  ].join(', ');
}
