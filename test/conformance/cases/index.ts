// SPDX-License-Identifier: MIT

import type { Cases } from '../case.ts';
import { accessCases } from './access.ts';
import { createCases } from './create.ts';
import { errorCases } from './errors.ts';
import { ioCases } from './io.ts';
import { linkCases } from './links.ts';
import { lockCases } from './locks.ts';
import { mmapCases } from './mmap.ts';
import { modeCases } from './modes.ts';
import { nameCases } from './names.ts';
import { openCases } from './open.ts';
import { ownerCases } from './owners.ts';
import { readdirCases } from './readdir.ts';
import { renameCases } from './rename.ts';
import { specialCases } from './special.ts';
import { symlinkCases } from './symlinks.ts';
import { timeCases } from './times.ts';
import { truncateCases } from './truncate.ts';
import { unlinkCases } from './unlink.ts';
import { wholeCases } from './whole.ts';
import { xattrCases } from './xattr.ts';

const GROUPS: Readonly<Record<string, Cases>> = {
  open: openCases,
  create: createCases,
  modes: modeCases,
  owners: ownerCases,
  access: accessCases,
  times: timeCases,
  links: linkCases,
  rename: renameCases,
  unlink: unlinkCases,
  symlinks: symlinkCases,
  special: specialCases,
  names: nameCases,
  truncate: truncateCases,
  io: ioCases,
  mmap: mmapCases,
  readdir: readdirCases,
  xattr: xattrCases,
  locks: lockCases,
  whole: wholeCases,
  errors: errorCases,
};

/** Every case by `group: what it says`, for any folder that claims to be a file system. */
export const cases: Cases = Object.fromEntries(
  Object.entries(GROUPS).flatMap(([group, some]) =>
    Object.entries(some).map(([name, work]) => [`${group}: ${name}`, work] as const),
  ),
);
