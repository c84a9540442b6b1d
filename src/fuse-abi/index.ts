// SPDX-License-Identifier: MIT

export * from './attr.ts';
export * from './dirent.ts';
export * from './flags.ts';
export * from './header.ts';
export * from './init.ts';
export * from './opcodes.ts';
