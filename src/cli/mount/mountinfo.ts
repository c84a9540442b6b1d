// SPDX-License-Identifier: MIT

import { readFileSync } from 'node:fs';

/** A line of /proc/self/mountinfo (proc_pid_mountinfo(5)). */
export interface MountLine {
  id: number;
  /** `MAJOR:MINOR` of the file system, as st_dev of its files. */
  device: string;
  mountpoint: string;
  /** `fuse.ninefold`, `ext4` … */
  fstype: string;
  source: string;
  /** Per-mount options, then the file system's own. */
  options: string[];
}

/** Every mount that this process sees, in the order of mounting: of two on one folder the later one is on top. */
export function readMounts(path = '/proc/self/mountinfo'): MountLine[] {
  return parseMountinfo(readFileSync(path, 'latin1'));
}

/** Lines that do not look as documented are left out. `text` is latin1: one character a byte, as paths are bytes. */
export function parseMountinfo(text: string): MountLine[] {
  const mounts: MountLine[] = [];
  for (const line of text.split('\n')) {
    // ID PARENT MAJOR:MINOR ROOT MOUNTPOINT OPTIONS TAGS… - FSTYPE SOURCE SUPER
    const [left, right] = split(line, ' - ');
    const l = left.split(' ');
    const [fstype, source, superOptions] = right.split(' ');
    if (l.length < 6 || fstype === undefined || source === undefined) continue;
    mounts.push({
      id: Number(l[0]),
      device: l[2] ?? '',
      mountpoint: unoctal(l[4] ?? ''),
      fstype,
      source: unoctal(source),
      options: [...(l[5] ?? '').split(','), ...(superOptions ?? '').split(',')],
    });
  }
  return mounts;
}

/** A mount on this path that lies there, on top or below another: `device` tells it from those. */
export function mountOf(
  mounts: readonly MountLine[],
  mountpoint: string,
  device: string,
): MountLine | undefined {
  return mounts.findLast((m) => m.mountpoint === mountpoint && m.device === device);
}

/** The topmost mount on exactly this path. */
export function mountAt(mounts: readonly MountLine[], mountpoint: string): MountLine | undefined {
  return mounts.findLast((m) => m.mountpoint === mountpoint);
}

function split(text: string, at: string): [string, string] {
  const i = text.indexOf(at);
  return i < 0 ? [text, ''] : [text.slice(0, i), text.slice(i + at.length)];
}

/** The kernel writes space, tab, newline, `#` and backslash as three octal digits. */
function unoctal(text: string): string {
  const bytes = text.replace(/\\([0-7]{3})/g, (_, digits: string) =>
    String.fromCharCode(Number.parseInt(digits, 8)),
  );
  return Buffer.from(bytes, 'latin1').toString('utf8');
}
