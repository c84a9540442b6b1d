// SPDX-License-Identifier: MIT

/** type[4] size[4]; size counts the payload alone. */
export const PROXY_HEADER = 8;
/** The longest payload, of requests and of replies (PROXY_MAX_IO_SZ of QEMU's 9p-proxy.h). */
export const PROXY_MAX = 65_536;
/** What a descriptor reply says instead of an errno when a descriptor comes with it: INT_MAX. */
export const FD_VALID = 0x7fffffff;
/** A string's length has 16 bits. */
export const STRING_MAX = 0xffff;

/** Types of a reply's header; everything else is a request. */
export const SUCCESS = 0;
export const ERROR = 1;
