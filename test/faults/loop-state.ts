// SPDX-License-Identifier: MIT
// What the kernel tells of a file system in a file: its loop devices, who else has it mounted, what ext4 counted.

import { readdirSync, readFileSync, statfsSync } from 'node:fs';

const BLOCKS = '/sys/block';

function textOf(path: string): string | undefined {
  try {
    return readFileSync(path, 'latin1').trim();
  } catch {
    return undefined;
  }
}

/** Names of the loop devices that stand for `image`. */
export function loopsOf(image: string): string[] {
  return readdirSync(BLOCKS).filter(
    (name) => name.startsWith('loop') && textOf(`${BLOCKS}/${name}/loop/backing_file`) === image,
  );
}

/** Processes in whose mount namespace one of the devices is mounted. */
export function holdersOf(devices: readonly string[]): string[] {
  const numbers = devices.map((d) => textOf(`${BLOCKS}/${d}/dev`)).filter((n) => n !== undefined);
  const found = readdirSync('/proc').filter((pid) => {
    if (!/^[0-9]+$/.test(pid)) return false;
    const mounts = textOf(`/proc/${pid}/mountinfo`) ?? '';
    return numbers.some((n) => mounts.includes(` ${n} `));
  });
  const words = found.map((pid) => {
    const command = textOf(`/proc/${pid}/cmdline`)?.replaceAll('\0', ' ').trim().slice(0, 120);
    return `process ${pid} (${command ?? 'gone'})`;
  });
  return words.length > 0 ? words : [`nobody who is to be seen (${devices.join(', ')})`];
}

const COUNTERS = [
  'errors_count',
  'first_error_func',
  'first_error_errcode',
  'last_error_func',
  'last_error_errcode',
];

/** Whose fault an error of the file system at `dir` on `image` may be, in one line: its mount, its own counters of errors, the room for its image. */
export function stateOf(dir: string, image: string): string {
  const mount = textOf('/proc/self/mounts')
    ?.split('\n')
    .find((line) => line.split(' ')[1] === dir);
  const counted = loopsOf(image).map((device) => {
    const said = COUNTERS.map((name) => `${name} ${textOf(`/sys/fs/ext4/${device}/${name}`) ?? '?'}`);
    return `${device}: ${said.join(', ')}`;
  });
  const { bavail, bsize } = statfsSync(image);
  return [`mounted as ${mount ?? 'nothing'}`, ...counted, `${bavail * bsize} bytes free for the image`].join(
    '; ',
  );
}
