// SPDX-License-Identifier: MIT

/** What a text means, or why it means nothing. Never thrown: the caller knows what it belongs to and says so. */
export type Parsed<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly why: string };

export const good = <T>(value: T): Parsed<T> => ({ ok: true, value });
export const bad = (why: string): { readonly ok: false; readonly why: string } => ({ ok: false, why });
