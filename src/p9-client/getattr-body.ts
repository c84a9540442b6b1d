// SPDX-License-Identifier: MIT

/** Bytes of Rgetattr's body. */
export const GETATTR_BODY = 153;

/** Where each field of Rgetattr's body begins (diod protocol.md; all little-endian, 64 bits unless said otherwise). */
export const AT = {
  valid: 0,
  /** u8 */
  qidType: 8,
  /** u32 */
  qidVersion: 9,
  qidPath: 13,
  /** u32 */
  mode: 21,
  /** u32 */
  uid: 25,
  /** u32 */
  gid: 29,
  nlink: 33,
  rdev: 41,
  size: 49,
  blksize: 57,
  blocks: 65,
  atimeSec: 73,
  atimeNsec: 81,
  mtimeSec: 89,
  mtimeNsec: 97,
  ctimeSec: 105,
  ctimeNsec: 113,
  btimeSec: 121,
  btimeNsec: 129,
} as const;
