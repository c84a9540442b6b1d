// SPDX-License-Identifier: MIT

/**
 * Messages beyond 9P2000.L that only a server which answered VERSION_EXT is asked for; one that does not know them says EOPNOTSUPP, and is not asked again.
 *
 * Treaddirplus fid[4] offset[8] count[4] → Rreaddirplus eof[1] count[4] data; each entry: the body of Rgetattr[153] offset[8] name[s]. `valid` 0 = the object's
 * attributes are not known (its qid and the type bits of mode are). eof ≠ 0 = nothing follows this batch; its bit EOF_QUIET, what was not listed is not there.
 *
 * Tlookup fid[4] name[s] → Rlookup: the body of Rgetattr[153]. What Twalk and Tgetattr would tell, without a fid.
 *
 * Twatch fid[4] id[4] → Rwatch, Tunwatch id[4] → Runwatch, Tchanges → Rchanges count[4] data; a record: id[4] what[1] name[s]. What changes in the folder of a fid, told when it
 * happens, as the answer to the one Tchanges that is kept under way.
 */
export const EXT = {
  readdirplus: 140,
  lookup: 142,
  watch: 144,
  unwatch: 146,
  changes: 148,
} as const;

/** The folder has not changed since a Treaddirplus from offset 0 began, or for EOF_QUIET_MS before one from another. */
export const EOF_QUIET = 2;
export const EOF_QUIET_MS = 2000;
