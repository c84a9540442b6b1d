// SPDX-License-Identifier: MIT

/**
 * One step of a run, as plain JSON: what is in a script that a failing run prints, and what `--replay` reads. Paths are below the folder under test, in Latin-1 (each
 * character a byte of the name). `h`: the number of an open file. Sizes and offsets in bytes; `seed`: what the bytes are made of (rng.ts).
 */
export type Step = { client?: number } & (
  | { do: 'open'; h: number; path: string; flags: number; mode: number }
  | { do: 'close'; h: number }
  | { do: 'pread' | 'pwrite'; h: number; at: number; size: number; seed: number }
  | { do: 'read' | 'write'; h: number; size: number; seed: number }
  | { do: 'fstat' | 'fsync' | 'fdatasync'; h: number }
  | { do: 'ftruncate'; h: number; size: number }
  | { do: 'fchmod'; h: number; mode: number }
  | { do: 'futimes'; h: number; sec: number; nsec: number }
  | { do: 'copy'; from: number; to: number; at: number; size: number; seed: number }
  | { do: 'truncate'; path: string; size: number }
  | { do: 'mapWrite' | 'mapRead'; path: string; at: number; size: number; seed: number }
  | { do: 'mkdir' | 'chmod' | 'mknod'; path: string; mode: number }
  | {
      do: 'rmdir' | 'unlink' | 'stat' | 'readlink' | 'list' | 'listxattr' | 'readAll' | 'removeTree';
      path: string;
    }
  | { do: 'rename' | 'link'; path: string; to: string }
  | { do: 'symlink'; path: string; to: string }
  | { do: 'utimes'; path: string; sec: number; nsec: number }
  | { do: 'setxattr'; path: string; name: string; size: number; seed: number; flags: number }
  | { do: 'getxattr' | 'removexattr'; path: string; name: string }
  | { do: 'compare' }
  | { do: 'remount' }
);

/** What a target is known not to do as a local folder does; steps that would show it are not made. */
export interface Quirks {
  /** Times that are set lose their nanoseconds. */
  wholeSeconds: boolean;
  /** Replacing an attribute by an empty value removes it. */
  noEmptyValues: boolean;
  /** No shared writable maps. */
  noMaps: boolean;
  /** A read through a descriptor with O_NONBLOCK ends with the first message: read on. */
  readsOnce: boolean;
  /**
   * copy_file_range(2) goes by the size that this kernel saw last of a file, and asks nobody (generic_copy_file_checks, fs/read_write.c): another client, or in v9fs without a cache another
   * name of the file, may have changed it. Who copies looks first, as cp(1) does.
   */
  looksBeforeCopy: boolean;
  /** How many clients take turns; each sees what the other did after `settleMs`. */
  clients: number;
  settleMs: number;
  /** What no watch tells of (a file's other name in another folder) a client may believe for so long. */
  unseenMs: number;
}

/** Of a local folder, and of our mount. */
export const NO_QUIRKS: Quirks = {
  wholeSeconds: false,
  noEmptyValues: false,
  noMaps: false,
  readsOnce: false,
  looksBeforeCopy: false,
  clients: 1,
  settleMs: 0,
  unseenMs: 0,
};

export const shown = (step: Step): string => JSON.stringify(step);
