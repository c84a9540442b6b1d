// SPDX-License-Identifier: MIT

import { chmodSync, mkdirSync, statSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { printable } from '../../base/error.ts';
import { openRegistry } from '../mount/registry.ts';
import type { BrokerPlace } from './places.ts';

/** Others may go through it to a name that they know, and see none. */
const PASSABLE = 0o711;

/**
 * Makes the folder of a broker's socket where there is none. `others`: users beside the broker's come in by the socket. Returns a warning where they could not. Throws NinefoldError REGISTRY (exit 78) when the
 * broker's usual place is not its user's own, and Node's errors.
 */
export function makeSocketFolder({ path, own }: BrokerPlace, others: boolean): string | undefined {
  const folder = dirname(resolve(path));
  if (own === true) {
    // Nothing else there lets others in: files and sockets of mounts have the mode 0600.
    openRegistry(folder, 'cannot listen in');
    if (others) chmodSync(folder, PASSABLE);
  } else {
    const first = mkdirSync(folder, { recursive: true, mode: 0o700 });
    if (first !== undefined && others)
      for (let dir = folder; dir.length >= first.length; dir = dirname(dir)) chmodSync(dir, PASSABLE);
  }
  if (!others) return undefined;
  for (let dir = folder; ; dir = dirname(dir)) {
    if ((statSync(dir).mode & 0o001) === 0)
      return `machines with a "uid" may not reach the socket, because others may not enter ${printable(dir)}: name another with --socket, or chmod o+x`;
    if (dir === dirname(dir)) return undefined;
  }
}
