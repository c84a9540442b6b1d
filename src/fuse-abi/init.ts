// SPDX-License-Identifier: MIT

/** The protocol that these files describe. A kernel of a higher minor speaks it all the same. */
export const FUSE_MAJOR = 7;
export const FUSE_MINOR = 45;
/** The oldest kernel that is served: 7.31 (Linux 5.4) brought FUSE_MAX_PAGES and the no-open flags into use everywhere. */
export const OLDEST_MINOR = 31;

/** `struct fuse_init_in`: major@0 minor@4 max_readahead@8 flags@12 flags2@16. */
export interface InitIn {
  readonly major: number;
  readonly minor: number;
  /** Bytes. */
  readonly maxReadahead: number;
  readonly flags: number;
  readonly flags2: number;
}

/** Reads the body of FUSE_INIT between `pos` and `end`; older kernels send fewer fields, which read as 0. */
export function readInit(dv: DataView, pos: number, end: number): InitIn {
  const at = (off: number): number => (pos + off + 4 <= end ? dv.getUint32(pos + off, true) : 0);
  return { major: at(0), minor: at(4), maxReadahead: at(8), flags: at(12), flags2: at(16) };
}

export interface InitOut {
  readonly minor: number;
  readonly maxReadahead: number;
  readonly flags: number;
  readonly flags2: number;
  readonly maxBackground: number;
  readonly congestionThreshold: number;
  /** Bytes in one WRITE. */
  readonly maxWrite: number;
  /** Nanoseconds. */
  readonly timeGran: number;
  readonly maxPages: number;
}

/** Bytes of `struct fuse_init_out`. */
export const INIT_OUT = 64;

/**
 * Writes `struct fuse_init_out` at `pos`: major@0 minor@4 max_readahead@8 flags@12 max_background u16@16 congestion_threshold u16@18 max_write@20
 * time_gran@24 max_pages u16@28 map_alignment u16@30 flags2@32 max_stack_depth@36, zeros to 64.
 */
export function putInitOut(dv: DataView, pos: number, o: InitOut): void {
  for (let i = 0; i < INIT_OUT; i += 4) dv.setUint32(pos + i, 0, true);
  dv.setUint32(pos, FUSE_MAJOR, true);
  dv.setUint32(pos + 4, o.minor, true);
  dv.setUint32(pos + 8, o.maxReadahead, true);
  dv.setUint32(pos + 12, o.flags, true);
  dv.setUint16(pos + 16, o.maxBackground, true);
  dv.setUint16(pos + 18, o.congestionThreshold, true);
  dv.setUint32(pos + 20, o.maxWrite, true);
  dv.setUint32(pos + 24, o.timeGran, true);
  dv.setUint16(pos + 28, o.maxPages, true);
  dv.setUint32(pos + 32, o.flags2, true);
}
