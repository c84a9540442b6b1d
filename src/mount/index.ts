// SPDX-License-Identifier: MIT

export { type AttachOptions, attachSession, type Session } from '../p9-client/index.ts';
export { type CacheTimes, DEFAULT_TIMES } from './cache-policy.ts';
export type { MountEnd } from './engine.ts';
export type { ListFolder } from './fill.ts';
export { killIsPending } from './interrupts.ts';
export { type MountLog, type MountOptions, mountOptions } from './options.ts';
export { Rehearsal, type RehearsalEnds } from './rehearsal/play.ts';
export { type RunMount, runMount } from './run.ts';
export { MountStats } from './stats.ts';
