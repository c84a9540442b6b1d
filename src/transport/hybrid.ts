// SPDX-License-Identifier: MIT

/**
 * The handshake of a hybrid vsock (Firecracker docs/vsock.md; cloud-hypervisor does the same): on a new connection to the VMM's Unix
 * socket the host writes `CONNECT PORT\n`; once a program in the guest has accepted, the VMM answers `OK HOSTPORT\n`. When nobody
 * listens in the guest the VMM just closes.
 */

/** `OK 4294967295\n` is 14 bytes; anything longer is no answer. */
export const HYBRID_REPLY_MAX = 32;

export const hybridRequest = (port: number): string => `CONNECT ${port}\n`;

/**
 * Looks at what has come so far. `'more'`: not a whole line yet. A refusal carries the reason. The VMM may pass on the guest's first
 * bytes in the same segment, so the reader must take one byte at a time, or no more than up to the newline.
 */
export function hybridReply(bytes: Uint8Array): 'ok' | 'more' | { why: string } {
  const end = bytes.indexOf(0x0a);
  if (end < 0) return bytes.length >= HYBRID_REPLY_MAX ? { why: 'the answer is longer than a line' } : 'more';
  const line = new TextDecoder('latin1').decode(bytes.subarray(0, end));
  if (/^OK [0-9]{1,10}\r?$/.test(line)) return 'ok';
  return { why: `it answered ${JSON.stringify(line)} and not "OK PORT"` };
}
