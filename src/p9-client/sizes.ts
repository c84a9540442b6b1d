// SPDX-License-Identifier: MIT
// Most requests fit into the smallest msize that is agreed to, with names of 255 bytes. Those that may not are measured before they are sent: a server hangs up on what is longer than agreed.

import { MAXWELEM } from '../p9/constants.ts';

/** size[4] type[1] tag[2] dfid[4] name[s] target[s] gid[4] */
export function symlinkSize(name: string, target: string): number {
  return 19 + name.length + target.length;
}

/** size[4] type[1] tag[2] fid[4] afid[4] uname[s] aname[s] n_uname[4] */
export function attachSize(uname: string, aname: string): number {
  return 23 + uname.length + aname.length;
}

/** How many of `names`, from the first on, one Twalk carries: size[4] type[1] tag[2] fid[4] newfid[4] nwname[2] nwname×(name[s]). */
export function walkable(names: readonly string[], msize: number): number {
  let size = 17;
  let n = 0;
  for (; n < MAXWELEM && n < names.length; n++) {
    size += 2 + (names[n] as string).length;
    if (size > msize) break;
  }
  return n;
}
