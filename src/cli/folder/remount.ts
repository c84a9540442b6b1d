// SPDX-License-Identifier: MIT

import { EBUSY } from '../../base/errno.ts';
import { because, EXIT, NinefoldError, printable } from '../../base/error.ts';
import { MOUNT_WORDS, MS_RDONLY, MS_REMOUNT, mount } from '../../linux/mount.ts';
import { mountAt, readMounts } from '../mount/mountinfo.ts';
import { mountSettings } from '../mount/options.ts';
import { canonical, FSTYPE, TO_CHANGE } from '../mount/point.ts';
import { readRegistry } from '../mount/registry.ts';

/** What mount(8) reads from the kernel's list and hands back: the file system's own words, which nothing can change any more. */
const SHOWN = /^(?:user_id|group_id|rootmode|max_read|blksize|fd|client)=/;

/**
 * `mount -o remount,…`: changes what the kernel itself watches over (ro, nosuid, nodev, noexec, noatime, nosymfollow), and nothing of what was agreed with the server. So a mount that was
 * asked for to read stays so: only a new mount asks anew. `fake`: check only. Throws NinefoldError REMOUNT_ROOT, REMOUNT_READ_ONLY (exit 77), NOT_MOUNTED (66), MOUNT_BUSY (69),
 * MOUNT_FAILED (66), and what mountSettings throws.
 */
export async function remount(given: string, options: readonly string[], fake: boolean): Promise<void> {
  const words = options.filter((o) => !SHOWN.test(o));
  if (process.geteuid?.() !== 0)
    throw refused(given, 'REMOUNT_ROOT', 'only root may', 'unmount it and mount it again as it shall be');
  mountSettings(words, false, true);
  const path = await canonical(given, TO_CHANGE);
  const there = mountAt(readMounts(), path);
  if (there?.fstype !== FSTYPE)
    throw failure(given, 'NOT_MOUNTED', EXIT.noInput, 'no mount of ninefold is there', 'see "ninefold list"');
  let flags = 0;
  for (const word of [...there.options, ...words]) {
    const [set, clear] = MOUNT_WORDS.get(word) ?? [0, 0];
    flags = (flags & ~clear) | set;
  }
  const entry = readRegistry().findLast(
    (e) => e.mountpoint === path && (e.device ?? there.device) === there.device,
  );
  const reading = entry?.readOnly ?? there.options.includes('ro');
  if (reading && (flags & MS_RDONLY) === 0)
    throw refused(
      given,
      'REMOUNT_READ_ONLY',
      'reading is what it was mounted for, and all that the other side was asked for',
      'unmount it and mount it again with rw',
    );
  if (fake) return;
  const result = mount(there.source, path, FSTYPE, flags | MS_REMOUNT, '');
  if (result === -EBUSY)
    throw failure(
      given,
      'MOUNT_BUSY',
      EXIT.unavailable,
      'a program has a file open there for writing',
      `end it first (fuser -vm ${printable(given)} names it)`,
    );
  if (result < 0)
    throw failure(
      given,
      'MOUNT_FAILED',
      EXIT.noInput,
      `the kernel says: ${because(result)}`,
      'unmount it and mount it again as it shall be',
    );
}

function refused(given: string, code: string, why: string, remedy: string): NinefoldError {
  return failure(given, code, EXIT.noPermission, why, remedy);
}

function failure(
  given: string,
  code: string,
  exit: NinefoldError['exit'],
  why: string,
  remedy: string,
): NinefoldError {
  return new NinefoldError({
    code,
    exit,
    what: 'cannot change the mount',
    on: printable(given),
    why,
    remedy,
  });
}
