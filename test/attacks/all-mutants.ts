// SPDX-License-Identifier: MIT

import { ASKING_MUTANTS } from './asking-mutants.ts';
import { BROKER_MUTANTS } from './broker-mutants.ts';
import { COPY_MUTANTS } from './copy-mutants.ts';
import { COPY_AND_ASKING_THREATS } from './copy-threats.ts';
import { MOUNT_MUTANTS } from './mount-mutants.ts';
import { CALL_MUTANTS, GUARD_MUTANTS, SERVICE_MUTANTS } from './policy-mutants.ts';
import { type Mutant, SERVER_MUTANTS } from './server-mutants.ts';
import { THREATS, type Threat } from './threats.ts';

/** Every defence that is taken out, one at a time; those of the proxy helper are beside its tests. */
export const MUTANTS: readonly Mutant[] = [
  ...SERVER_MUTANTS,
  ...MOUNT_MUTANTS,
  ...COPY_MUTANTS,
  ...ASKING_MUTANTS,
  ...GUARD_MUTANTS,
  ...CALL_MUTANTS,
  ...SERVICE_MUTANTS,
  ...BROKER_MUTANTS,
];

export const ALL_THREATS: readonly Threat[] = [...THREATS, ...COPY_AND_ASKING_THREATS];
