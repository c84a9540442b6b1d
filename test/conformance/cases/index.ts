// SPDX-License-Identifier: MIT

import type { Cases } from '../case.ts';
import { accessCases } from './access.ts';
import { attributeCases } from './attributes.ts';
import { clientCases } from './clients.ts';
import { createCases } from './create.ts';
import { descriptorCases } from './descriptors.ts';
import { errorCases } from './errors.ts';
import { ioCases } from './io.ts';
import { linkCases } from './links.ts';
import { lockCases } from './locks.ts';
import { mapCases } from './maps.ts';
import { mmapCases } from './mmap.ts';
import { modeCases } from './modes.ts';
import { momentCases } from './moments.ts';
import { nameCases } from './names.ts';
import { offsetCases } from './offsets.ts';
import { openCases } from './open.ts';
import { ownerCases } from './owners.ts';
import { reachCases } from './reach.ts';
import { readdirCases } from './readdir.ts';
import { refusalCases } from './refusals.ts';
import { renameCases } from './rename.ts';
import { removeKindCases, renameKindCases } from './rename-kinds.ts';
import { specialCases } from './special.ts';
import { symlinkCases } from './symlinks.ts';
import { tellSeekCases } from './tell-seek.ts';
import { timeCases } from './times.ts';
import { truncateCases } from './truncate.ts';
import { twoUserCases } from './two-users.ts';
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
  clients: clientCases,
  descriptors: descriptorCases,
  'two users': twoUserCases,
  'rename kinds': renameKindCases,
  'remove kinds': removeKindCases,
  offsets: offsetCases,
  maps: mapCases,
  moments: momentCases,
  attributes: attributeCases,
  'tell and seek': tellSeekCases,
  refusals: refusalCases,
  reach: reachCases,
};

/** Every case by `group: what it says`, for any folder that claims to be a file system. */
export const cases: Cases = Object.fromEntries(
  Object.entries(GROUPS).flatMap(([group, some]) =>
    Object.entries(some).map(([name, work]) => [`${group}: ${name}`, work] as const),
  ),
);
