// SPDX-License-Identifier: MIT

import type { Cases } from '../case.ts';
import { createCases } from './create.ts';
import { modeCases } from './modes.ts';
import { openCases } from './open.ts';
import { ownerCases } from './owners.ts';
import { timeCases } from './times.ts';

const GROUPS: Readonly<Record<string, Cases>> = {
  open: openCases,
  create: createCases,
  modes: modeCases,
  owners: ownerCases,
  times: timeCases,
};

/** Every case by `group: what it says`, for any folder that claims to be a file system. */
export const cases: Cases = Object.fromEntries(
  Object.entries(GROUPS).flatMap(([group, some]) =>
    Object.entries(some).map(([name, work]) => [`${group}: ${name}`, work] as const),
  ),
);
