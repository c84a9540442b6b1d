// SPDX-License-Identifier: MIT

import { spawnSync } from 'node:child_process';
import * as fs from 'node:fs';
import { join } from 'node:path';
import { S_IFCHR } from '../../src/base/stat.ts';
import { O_DIRECT, O_RDWR, O_TMPFILE } from '../../src/base/sys.ts';
import { openSys } from '../../src/linux/index.ts';
import type { Cap, Caps } from './case.ts';
import { Kernel } from './kernel.ts';

type Probe = (k: Kernel, dir: string) => void;

/** Each must do, in a folder of its own, what the capability stands for; a failure is the reason why not. */
const PROBES: Readonly<Record<Exclude<Cap, 'root' | 'second'>, Probe>> = {
  xattr: (k, dir) => k.setxattr(dir, 'user.probe', 'x'),
  bigXattr: (k, dir) => k.setxattr(dir, 'user.probe', Buffer.alloc(65_536)),
  trusted: (k, dir) => k.setxattr(dir, 'trusted.probe', 'x'),
  acl: (_k, dir) => {
    const done = spawnSync('setfacl', ['-m', 'u:65534:r', dir], { encoding: 'utf8' });
    if (done.error) throw new Error('needs the package acl');
    if (done.status !== 0) throw new Error(done.stderr.trim());
  },
  devices: (k, dir) => k.mknod(join(dir, 'null'), S_IFCHR | 0o600, 1, 3),
  suid: (_k, dir) => {
    fs.writeFileSync(join(dir, 'suid'), '');
    fs.chmodSync(join(dir, 'suid'), 0o4755);
    if ((fs.statSync(join(dir, 'suid')).mode & 0o4000) === 0) throw new Error('the setuid bit is dropped');
  },
  symfollow: (_k, dir) => {
    fs.symlinkSync('.', join(dir, 'link'));
    fs.statSync(join(dir, 'link'));
  },
  renameFlags: (k, dir) => {
    fs.writeFileSync(join(dir, 'from'), '');
    k.rename2(join(dir, 'from'), join(dir, 'to'), 1);
  },
  holes: (k, dir) => {
    const fd = fs.openSync(join(dir, 'hole'), 'w+');
    try {
      k.truncate(fd, 1 << 20);
      let end: unknown;
      try {
        end = k.seek(fd, 0, 3);
      } catch (error) {
        if ((error as { code?: string }).code !== 'ENXIO') throw error;
      }
      if (end !== undefined) throw new Error('SEEK_DATA takes a hole for data');
    } finally {
      fs.closeSync(fd);
    }
  },
  fallocate: (k, dir) => {
    const fd = fs.openSync(join(dir, 'falloc'), 'w+');
    try {
      k.fallocate(fd, 0, 0, 4096);
    } finally {
      fs.closeSync(fd);
    }
  },
  tmpfile: (_k, dir) => fs.closeSync(fs.openSync(dir, O_RDWR | O_TMPFILE, 0o600)),
  direct: (_k, dir) =>
    fs.closeSync(fs.openSync(join(dir, 'direct'), fs.constants.O_CREAT | O_RDWR | O_DIRECT)),
  btime: (_k, dir) => {
    const s = fs.statSync(dir, { bigint: true });
    if (s.birthtimeNs === 0n) throw new Error('no time of birth is given');
  },
  bigFiles: (k, dir) => {
    const fd = fs.openSync(join(dir, 'big'), 'w+');
    try {
      k.truncate(fd, 2 ** 40 + 1);
    } finally {
      fs.closeSync(fd);
    }
  },
};

/**
 * What the folder `dir` can do, found by trying. `known`: what the target is known not to carry, with the reason; nothing else may be
 * missing there only because a try failed, so a caller that knows its target compares (see main.ts, `unexplained`).
 */
export function probe(dir: string, asRoot: boolean): Caps {
  const k = new Kernel(openSys());
  const place = fs.mkdtempSync(join(dir, 'probe-'));
  const caps = {} as Record<Cap, true | string>;
  caps.root = asRoot || 'needs root';
  caps.second = 'no second client of this folder is known';
  for (const [cap, attempt] of Object.entries(PROBES) as [keyof typeof PROBES, Probe][]) {
    try {
      attempt(k, place);
      caps[cap] = true;
    } catch (error) {
      caps[cap] = `${cap}: ${(error as Error).message}`;
    }
  }
  if (!asRoot) {
    // Tried with root's rights; a plain user has none of these.
    caps.devices = 'needs root';
    caps.trusted = 'needs root';
  }
  fs.rmSync(place, { recursive: true });
  return caps;
}
