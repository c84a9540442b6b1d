// SPDX-License-Identifier: MIT

import type { Access } from './rule.ts';

/** SHA-256 of some bytes, in hex: pure code has none of its own, and whoever calls it has one. */
export type Sha256 = (bytes: Uint8Array) => string;

/** Hex digits of a fingerprint: 128 bits. With `ruddo.ConnectToFolder+` it fits the 63 characters of the oldest qrexec. */
export const FINGERPRINT_LENGTH = 32;

/**
 * The name of a grant on the wire, as the original makes it: the first 32 hex digits of SHA-256(source 00 target 00 folder 00). It is no secret: whoever
 * knows the three can compute it, and what protects is that the policy binds it to source and target.
 *
 * Reading alone has a fingerprint of its own (a fourth field, `ro`), so that it says what was granted: a server that does not know read-only grants finds no
 * grant under it that it could take for a full one.
 */
export function fingerprint(
  sha256: Sha256,
  of: { readonly source: string; readonly target: string; readonly folder: string },
  access: Access,
): string {
  const fields = [of.source, of.target, of.folder, ...(access === 'ro' ? ['ro'] : [])];
  const bytes = new TextEncoder().encode(fields.map((field) => `${field}\0`).join(''));
  return sha256(bytes).slice(0, FINGERPRINT_LENGTH);
}

export const isFingerprint = (text: string): boolean => /^[0-9a-f]{32}(?![\s\S])/.test(text);
