// SPDX-License-Identifier: MIT

import { closeSync } from 'node:fs';
import { type ExitCode, printable } from '../../base/error.ts';
import { openBrokerSys } from '../broker/sys.ts';
import { checkMountPoint } from '../mount/point.ts';
import { type MountOrder, mountCommand } from '../mount/start.ts';
import { say } from '../report.ts';
import { kernelMount } from './kernel.ts';
import { checkWanted, obtain } from './obtain.ts';
import type { Wanted } from './refusals.ts';

export const CLIENTS = ['auto', 'fuse', 'kernel'] as const;
export type Client = (typeof CLIENTS)[number];

/**
 * Asks for a folder of another machine, and mounts it: what was granted for reading only is mounted so. The mount point is looked at before anybody is asked. Resolves with the exit
 * code; throws NinefoldError as the parts do.
 */
export async function mountFolder(
  wish: Wanted,
  mountpoint: string,
  client: Client,
  foreground: boolean,
  order: Omit<MountOrder, 'source' | 'label'>,
): Promise<ExitCode> {
  const wanted = checkWanted(wish);
  await checkMountPoint(mountpoint);
  const channel = await obtain(openBrokerSys(), wanted, order.settings.readOnly ? 'ro' : 'rw');
  const settings = { ...order.settings };
  if (channel.access === 'ro' && !settings.readOnly) {
    settings.readOnly = true;
    say('ninefold mount: note: reading only was granted');
  }
  const { readFd, writeFd } = channel;
  try {
    if (client === 'kernel') return await kernelMount(wanted, channel, mountpoint, settings);
    return await mountCommand(mountpoint, foreground, {
      ...order,
      settings,
      source: `fd:${readFd},${writeFd}`,
      label: printable(`${wanted.machine}:${wanted.folder}`),
    });
  } finally {
    closeSync(readFd);
    if (writeFd !== readFd) closeSync(writeFd);
  }
}
