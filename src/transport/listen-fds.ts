// SPDX-License-Identifier: MIT

import { EXIT, NinefoldError } from '../base/error.ts';

/** SD_LISTEN_FDS_START (sd_listen_fds(3)). */
const FIRST_FD = 3;
/** More sockets than any unit has. */
const MAX_FDS = 64;

/**
 * The listening descriptors that systemd handed to this process: LISTEN_FDS of them, from 3 on, if LISTEN_PID is `pid`. An empty list
 * when there are none for us. The three variables are taken out of `env`, so that no child takes them for its own.
 * Throws NinefoldError LISTEN_FDS (exit 78) for a number that makes no sense.
 */
export function takeListenFds(env: NodeJS.ProcessEnv, pid: number): number[] {
  const { LISTEN_PID, LISTEN_FDS } = env;
  delete env.LISTEN_PID;
  delete env.LISTEN_FDS;
  delete env.LISTEN_FDNAMES;
  if (LISTEN_PID === undefined || LISTEN_FDS === undefined || LISTEN_PID !== String(pid)) return [];
  const count = /^[0-9]{1,3}$/.test(LISTEN_FDS) ? Number(LISTEN_FDS) : -1;
  if (count < 1 || count > MAX_FDS)
    throw new NinefoldError({
      code: 'LISTEN_FDS',
      exit: EXIT.config,
      what: 'cannot take over the sockets of systemd',
      on: `LISTEN_FDS=${JSON.stringify(LISTEN_FDS)}`,
      why: `it must be a number from 1 to ${MAX_FDS}`,
      remedy: 'start this through a .socket unit',
    });
  return Array.from({ length: count }, (_, i) => FIRST_FD + i);
}
