// SPDX-License-Identifier: MIT

import { spawnSync } from 'node:child_process';
import { chmodSync, closeSync, ftruncateSync, mkdirSync, mkdtempSync, openSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openSys } from '../../src/linux/index.ts';
import { Kernel } from './kernel.ts';

const IMAGE_BYTES = 8 * 2 ** 30;

/** A folder to work in, mode 0755. */
export interface Ground {
  dir: string;
  close(): void;
}

/**
 * A folder of the system's temporary one. Where that does not hold large attributes (ext4 has only one block of them unless it was made with ea_inode) and this is
 * root, it is the root of an ext4 that does, in a sparse file.
 */
export function openGround(label: string): Ground {
  const base = mkdtempSync(join(tmpdir(), `ninefold-${label}-`));
  chmodSync(base, 0o755);
  const remove = (): void => rmSync(base, { recursive: true, force: true });
  if (process.geteuid?.() !== 0 || holdsLargeAttributes(base)) return { dir: base, close: remove };
  const [image, dir] = [join(base, 'image'), join(base, 'disk')];
  mkdirSync(dir);
  const fd = openSync(image, 'wx');
  ftruncateSync(fd, IMAGE_BYTES);
  closeSync(fd);
  const made =
    did('mke2fs', '-q', '-F', '-t', 'ext4', '-O', '^has_journal,ea_inode', '-m', '0', image) &&
    did('mount', '-o', 'loop,acl,user_xattr', image, dir);
  // A container may have no loop devices.
  if (!made) return { dir: base, close: remove };
  rmSync(join(dir, 'lost+found'), { recursive: true });
  return {
    dir,
    close: () => {
      if (!did('umount', dir)) did('umount', '--lazy', dir);
      remove();
    },
  };
}

function holdsLargeAttributes(dir: string): boolean {
  try {
    new Kernel(openSys()).setxattr(dir, 'user.probe', Buffer.alloc(65_536));
    new Kernel(openSys()).removexattr(dir, 'user.probe');
    return true;
  } catch {
    return false;
  }
}

function did(command: string, ...args: string[]): boolean {
  const env = { ...process.env, PATH: `${process.env.PATH}:/usr/sbin:/sbin` };
  return spawnSync(command, args, { env }).status === 0;
}
