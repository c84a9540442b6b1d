// SPDX-License-Identifier: MIT

/** The stream formats of Qubes' file copy and open-in-VM. Pure: no system calls, no Node. */
export * from './characters.ts';
export { crc32 } from './crc32.ts';
export { escapeName, escapePath, unescapeName } from './escape.ts';
export * from './header.ts';
export * from './open-in.ts';
export * from './path-rules.ts';
export * from './result.ts';
