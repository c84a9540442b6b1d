// SPDX-License-Identifier: MIT

import type { Sys } from '../base/sys.ts';
import { crc32 } from './crc.ts';
import type { Walk } from './walk.ts';

export interface SendOptions {
  readonly sys: Sys;
  /** From the receiver, and to it: pipes or sockets, non-blocking if the receiver's early word is to be heard at once. */
  readonly readFd: number;
  readonly writeFd: number;
  readonly ignoreSymlinks: boolean;
  /** The name under which an object goes over; the walk's own path when it is undefined. Returns the same array or a new one. */
  readonly rename?: (path: Uint8Array) => Uint8Array;
  /** Give up after so many ms in which the receiver neither reads nor answers; 0 = never. */
  readonly idleMs: number;
  /** Bytes of files that have been written so far. Returns false to give up. */
  readonly progress: (bytes: number) => boolean;
  /** Called about five times a second while the receiver keeps us waiting. */
  readonly tick: () => void;
  /** Each file, link and folder, once its last byte stands in the stream, with its status from before it was read. */
  readonly sent?: (walk: Walk) => void;
  /** A device, FIFO or socket; or something that was gone when its turn came; or whose name is taken and stays so. */
  readonly skipped?: (walk: Walk, why: 'special' | 'link' | 'vanished' | 'taken') => void;
}

/** What is done about a name that the receiver has already; of a folder `skip` and `rename`, and then with all that is in it. `leaf`: another last component, as it goes over. */
export type Decision =
  | { readonly kind: 'skip' | 'replace' }
  | { readonly kind: 'rename'; readonly leaf: Uint8Array }
  | { readonly kind: 'resume'; readonly size: number; readonly crc: number };

/** How a transfer ended. */
export type SendEnd =
  /** The receiver has everything, synced, and the checksums agree. */
  | { readonly kind: 'confirmed' }
  | { readonly kind: 'refused'; readonly error: number; readonly lastName: Uint8Array | undefined }
  /** It said "well" with another checksum, or before it had everything. */
  | { readonly kind: 'mismatch' }
  /** It closed without a result. */
  | { readonly kind: 'closed' }
  /** Something here could not be read: `path` as in the stream. */
  | { readonly kind: 'unreadable'; readonly errno: number; readonly path: Uint8Array }
  /** A file got shorter while it was being read. */
  | { readonly kind: 'shrank'; readonly path: Uint8Array }
  /** It knows the extension and said so when nobody waited for that any more: it takes nothing of what it got. */
  | { readonly kind: 'late' }
  /** `progress` said no. */
  | { readonly kind: 'cancelled' }
  | { readonly kind: 'broken'; readonly errno: number };

/** A path as the key of decisions. */
export function pathKey(path: Uint8Array, length: number): string {
  return Buffer.from(path.buffer, path.byteOffset, length).toString('latin1');
}

/** A path with another last component. */
export function withLeaf(name: Uint8Array, leaf: Uint8Array): Uint8Array {
  const cut = name.lastIndexOf(0x2f) + 1;
  const made = new Uint8Array(cut + leaf.length);
  made.set(name.subarray(0, cut));
  made.set(leaf, cut);
  return made;
}

/** Where to go on with an open file of which the receiver has the beginning: 0 if it begins otherwise here. */
export function resumeAt(sys: Sys, fd: number, size: number, decision: Decision | undefined): number {
  if (decision?.kind !== 'resume' || decision.size > size) return 0;
  const mem = sys.alloc(1 << 20);
  let crc = 0;
  for (let at = 0; at < decision.size; ) {
    const n = sys.pread(fd, mem, 0, Math.min(mem.size, decision.size - at), at);
    if (n <= 0) return 0;
    crc = crc32(mem.u8.subarray(0, n), crc);
    at += n;
  }
  return crc === decision.crc ? decision.size : 0;
}
