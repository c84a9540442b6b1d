// SPDX-License-Identifier: MIT

/** In the environment of a server that was started for this one channel: the process that made the socket pair, reads the other end itself, and gives it to nobody. */
export const STARTED_BY = 'NINEFOLD_STARTED_BY';
