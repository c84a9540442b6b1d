// SPDX-License-Identifier: MIT

import { setTimeout as sleep } from 'node:timers/promises';
import { EXIT, type ExitCode, NinefoldError, printable } from '../../base/error.ts';
import { say } from '../report.ts';
import { askStatus } from './control.ts';
import { type Detached, detach } from './detach.ts';
import { findHelper } from './helper.ts';
import { mountAt, readMounts } from './mountinfo.ts';
import { canonical, FSTYPE, TO_UNMOUNT } from './point.ts';
import {
  controlPath,
  type Entry,
  isAlive,
  mountOfEntry,
  readRegistry,
  registryPath,
  unregister,
} from './registry.ts';

/** How long the mount's process may take to end by itself, then after SIGTERM. */
const GRACE_MS = 2000;

/**
 * Unmounts and waits until the mount's process has ended. Exit 0. Throws NinefoldError NOT_MOUNTED (exit 66), MOUNT_NOT_OURS (77), MOUNT_BUSY (69)
 * or UNMOUNT_FAILED (77).
 */
export async function unmountCommand(given: string, lazy: boolean): Promise<ExitCode> {
  const mountpoint = await canonical(given, TO_UNMOUNT);
  const dir = registryPath();
  const mounts = readMounts();
  const there = mountAt(mounts, mountpoint);
  const entries = readRegistry(dir).filter((e) => e.mountpoint === mountpoint);
  if (there?.fstype !== FSTYPE) {
    for (const entry of entries) if (!isAlive(entry)) unregister(dir, entry.pid);
    throw there === undefined
      ? notMounted(mountpoint)
      : notOurs(mountpoint, `what is mounted there is ${printable(there.fstype)}`);
  }
  const helper = findHelper();
  // Of several mounts on one folder, the one on top.
  const entry = entries.findLast((e) => mountOfEntry(mounts, e)?.device === there.device);
  let result: Detached = await detach(mountpoint, lazy, helper);
  if (result !== 'done' && !lazy && !(await answers(dir, entry))) {
    // Nobody can end what uses a dead mount but by letting go of it: it must not stay in the way for ever.
    result = await detach(mountpoint, true, helper);
    if (result === 'done')
      say(
        `ninefold unmount: note: ${printable(mountpoint)} was dead and in use; it is detached, and ends when the last program lets go`,
      );
  }
  if (result === 'busy') throw busy(mountpoint);
  if (result === 'not-mounted') {
    // fusermount3 does not find what another user mounted.
    if (mountAt(readMounts(), mountpoint)?.fstype === FSTYPE)
      throw failed(mountpoint, 'another user mounted it');
    throw notMounted(mountpoint);
  }
  if (result !== 'done') throw failed(mountpoint, result.why);
  if (entry !== undefined && !lazy) await awaitEnd(entry);
  if (entry !== undefined && !isAlive(entry)) unregister(dir, entry.pid);
  return EXIT.ok;
}

/** Does a server still answer behind this mount, as far as its process knows? */
async function answers(dir: string, entry: Entry | undefined): Promise<boolean> {
  if (entry === undefined || !isAlive(entry)) return false;
  return (await askStatus(controlPath(dir, entry.pid)))?.state === 'connected';
}

async function awaitEnd(entry: Entry): Promise<void> {
  for (const signal of ['SIGTERM', 'SIGKILL', undefined] as const) {
    const deadline = performance.now() + GRACE_MS;
    while (performance.now() < deadline) {
      if (!isAlive(entry)) return;
      await sleep(10);
    }
    if (signal !== undefined && isAlive(entry)) process.kill(entry.pid, signal);
  }
}

function notMounted(mountpoint: string): NinefoldError {
  return new NinefoldError({
    code: 'NOT_MOUNTED',
    exit: EXIT.noInput,
    what: 'cannot unmount',
    on: printable(mountpoint),
    why: 'nothing is mounted there',
    remedy: 'see "ninefold list"',
  });
}

function notOurs(mountpoint: string, why: string): NinefoldError {
  return new NinefoldError({
    code: 'MOUNT_NOT_OURS',
    exit: EXIT.noPermission,
    what: 'will not unmount',
    on: printable(mountpoint),
    why,
    remedy: 'use umount(8) for what ninefold has not mounted',
  });
}

function busy(mountpoint: string): NinefoldError {
  return new NinefoldError({
    code: 'MOUNT_BUSY',
    exit: EXIT.unavailable,
    what: 'cannot unmount',
    on: printable(mountpoint),
    why: 'a program works in it',
    remedy: `end it (fuser -vm ${printable(mountpoint)} names it), or use --lazy`,
  });
}

function failed(mountpoint: string, why: string): NinefoldError {
  return new NinefoldError({
    code: 'UNMOUNT_FAILED',
    exit: EXIT.noPermission,
    what: 'cannot unmount',
    on: printable(mountpoint),
    why: printable(why),
    remedy: 'only the user who mounted it, or root, can',
  });
}
