// SPDX-License-Identifier: MIT

/** The conversation of QEMU's 9p "proxy" back end with its helper (hw/9pfs/9p-proxy.h, fsdev/9p-iov-marshal.c): formats only. */
export * from './codec.ts';
export * from './coder.ts';
export * from './constants.ts';
export * from './messages.ts';
export * from './replies.ts';
export * from './request.ts';
