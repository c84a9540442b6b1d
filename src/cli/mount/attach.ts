// SPDX-License-Identifier: MIT

import { closeSync, constants, openSync } from 'node:fs';
import { EACCES, ENODEV, ENOENT, ENXIO, EPERM } from '../../base/errno.ts';
import { because, EXIT, type ExitCode, NinefoldError, printable } from '../../base/error.ts';
import { O_DIRECTORY, O_PATH } from '../../base/sys.ts';
import { fusermountMount } from '../../linux/fusermount.ts';
import {
  MS_NOATIME,
  MS_NODEV,
  MS_NOEXEC,
  MS_NOSUID,
  MS_NOSYMFOLLOW,
  MS_RDONLY,
  mount,
  openFuse,
} from '../../linux/mount.ts';
import type { MountSettings } from './options.ts';
import { FSTYPE } from './point.ts';

/** What mountinfo shows is for people: a whole page of shell command helps nobody. */
const LABEL_MAX = 200;

/**
 * Puts a new FUSE mount on `mountpoint` and returns its /dev/fuse descriptor, which the caller closes. Nothing answers there yet.
 * Throws NinefoldError FUSE_MISSING, FUSERMOUNT_MISSING (exit 71), FUSE_DENIED, MOUNT_REFUSED (77), MOUNT_FAILED (66).
 */
export async function attachMount(
  mountpoint: string,
  source: string,
  settings: MountSettings,
  helper: string,
): Promise<number> {
  const label = printable(source).slice(0, LABEL_MAX);
  return process.geteuid?.() === 0
    ? asRoot(mountpoint, label, settings)
    : asUser(mountpoint, label, settings, helper);
}

function asRoot(mountpoint: string, label: string, s: MountSettings): number {
  const fuse = openFuse();
  if (fuse < 0) throw fuseMissing(mountpoint, fuse);
  const data = [`fd=${fuse}`, 'rootmode=40000', 'user_id=0', 'group_id=0', ...kernelOptions(s)].join(',');
  const flags =
    (s.readOnly ? MS_RDONLY : 0) |
    (s.nosuid ? MS_NOSUID : 0) |
    (s.nodev ? MS_NODEV : 0) |
    (s.noexec ? MS_NOEXEC : 0) |
    (s.noatime ? MS_NOATIME : 0) |
    (s.nosymfollow ? MS_NOSYMFOLLOW : 0);
  // The folder that was checked, whatever its name has come to stand for since.
  const folder = openSync(mountpoint, O_PATH | O_DIRECTORY | constants.O_NOFOLLOW);
  const result = mount(label, `/proc/self/fd/${folder}`, FSTYPE, flags, data);
  closeSync(folder);
  if (result >= 0) return fuse;
  closeSync(fuse);
  if (result === -EPERM || result === -EACCES)
    throw refused(
      mountpoint,
      `the kernel says: ${because(result)}`,
      'run it with CAP_SYS_ADMIN, or as an ordinary user',
    );
  if (result === -ENODEV) throw fuseMissing(mountpoint, result);
  throw failed(mountpoint, EXIT.noInput, `the kernel says: ${because(result)}`, 'check the mount point');
}

async function asUser(mountpoint: string, label: string, s: MountSettings, helper: string): Promise<number> {
  const escaped = label.replace(/[,\\]/g, '\\$&');
  const options = [`fsname=${escaped}`, 'subtype=ninefold', ...kernelOptions(s)];
  if (s.readOnly) options.push('ro');
  if (s.noexec) options.push('noexec');
  if (s.noatime) options.push('noatime');
  const result = await fusermountMount(helper, mountpoint, options);
  if ('fd' in result) return result.fd;
  if (result.errno === -ENOENT)
    throw new NinefoldError({
      code: 'FUSERMOUNT_MISSING',
      exit: EXIT.osMissing,
      what: 'cannot mount on',
      on: printable(mountpoint),
      why: 'an ordinary user needs fusermount3, which is not installed',
      remedy: 'install the package fuse3, or mount as root',
    });
  const why = printable(result.why.replace(/^fusermount3?: /, ''));
  if (/\/dev\/fuse/.test(why) && /permission/i.test(why)) throw fuseMissing(mountpoint, -EACCES);
  if (/\/dev\/fuse|device not found/i.test(why)) throw fuseMissing(mountpoint, -ENOENT);
  if (/user_allow_other/.test(why))
    throw refused(mountpoint, why, 'leave allow_other out, or have root add that line to /etc/fuse.conf');
  throw refused(mountpoint, `fusermount3 says: ${why}`, 'choose a folder of your own, or mount as root');
}

/** The options of the FUSE file system itself, the same for both ways. */
function kernelOptions(s: MountSettings): string[] {
  return [...(s.defaultPermissions ? ['default_permissions'] : []), ...(s.allowOther ? ['allow_other'] : [])];
}

function fuseMissing(mountpoint: string, result: number): NinefoldError {
  const denied = result === -EACCES || result === -EPERM;
  return new NinefoldError({
    code: denied ? 'FUSE_DENIED' : 'FUSE_MISSING',
    exit: denied ? EXIT.noPermission : EXIT.osMissing,
    what: 'cannot mount on',
    on: printable(mountpoint),
    why: denied
      ? `/dev/fuse may not be opened: ${because(result)}`
      : [-ENOENT, -ENODEV, -ENXIO].includes(result)
        ? 'this system has no /dev/fuse'
        : `/dev/fuse cannot be opened: ${because(result)}`,
    remedy: denied
      ? 'have root run chmod 0666 /dev/fuse, as udev does, or mount as root'
      : 'load the kernel module (modprobe fuse); in a container, pass --device /dev/fuse',
  });
}

function refused(mountpoint: string, why: string, remedy: string): NinefoldError {
  return new NinefoldError({
    code: 'MOUNT_REFUSED',
    exit: EXIT.noPermission,
    what: 'may not mount on',
    on: printable(mountpoint),
    why,
    remedy,
  });
}

function failed(mountpoint: string, exit: ExitCode, why: string, remedy: string): NinefoldError {
  return new NinefoldError({
    code: 'MOUNT_FAILED',
    exit,
    what: 'cannot mount on',
    on: printable(mountpoint),
    why,
    remedy,
  });
}
