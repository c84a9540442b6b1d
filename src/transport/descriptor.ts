// SPDX-License-Identifier: MIT

import { fstatSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { isatty } from 'node:tty';
import { EXIT, NinefoldError } from '../base/error.ts';

/** Flags of /proc/self/fdinfo (proc_pid_fdinfo(5)): open(2)'s, in octal. */
const O_ACCMODE = 3;
const O_RDONLY = 0;
const O_WRONLY = 1;
const O_NONBLOCK = 0o4000;
const O_PATH = 0o10000000;

/**
 * Checks that two descriptors can carry a conversation: open, a pipe or socket (or a
 * character device such as a hypervisor's port, but no terminal), and usable in their direction. Throws NinefoldError FD_CLOSED, FD_KIND or FD_DIRECTION (exit 78).
 */
export function checkDescriptors(readFd: number, writeFd: number): void {
  check(readFd, 'read');
  check(writeFd, 'write');
}

function check(fd: number, use: 'read' | 'write'): void {
  const fail = (code: string, why: string): NinefoldError =>
    new NinefoldError({
      code,
      exit: EXIT.config,
      what: `cannot ${use} ${use === 'read' ? 'from' : 'to'}`,
      on: `descriptor ${fd}`,
      why,
      remedy: 'hand over an open pipe or socket',
    });
  let kind: string;
  try {
    const s = fstatSync(fd);
    if (s.isDirectory()) kind = 'a folder';
    else if (s.isFile()) kind = 'a regular file';
    else if (s.isBlockDevice()) kind = 'a block device';
    else if (isatty(fd)) kind = 'a terminal';
    // /dev/null and its kin (major 1). Other character devices may be a hypervisor's port.
    else if (s.isCharacterDevice() && s.rdev >> 8 === 1) kind = 'no place where a peer could be';
    else kind = '';
  } catch {
    throw fail('FD_CLOSED', 'it is not open');
  }
  if (isNodes(fd)) throw fail('FD_CLOSED', 'it is not open');
  if (kind !== '') throw fail('FD_KIND', `it is ${kind}`);
  const flags = openFlags(fd);
  if (flags === undefined) return;
  if ((flags & O_PATH) !== 0) throw fail('FD_KIND', 'it is only a handle to a path');
  const access = flags & O_ACCMODE;
  if (use === 'read' && access === O_WRONLY) throw fail('FD_DIRECTION', 'it is open for writing only');
  if (use === 'write' && access === O_RDONLY) throw fail('FD_DIRECTION', 'it is open for reading only');
}

/**
 * Is this number one that Node has taken for itself, because it was free at the start? Those are its event loop's: epoll, eventfd, and non-blocking pipes
 * of which it holds both ends.
 */
function isNodes(fd: number): boolean {
  // Node makes sure that these three are open before it opens anything else.
  if (fd <= 2) return false;
  const target = linkOf(fd);
  if (target === undefined) return false;
  if (target.startsWith('anon_inode:')) return true;
  if (!target.startsWith('pipe:')) return false;
  const ends = readdirSync('/proc/self/fd').filter((n) => linkOf(Number(n)) === target);
  return ends.length > 1 && ends.every((n) => ((openFlags(Number(n)) ?? 0) & O_NONBLOCK) !== 0);
}

function linkOf(fd: number): string | undefined {
  try {
    return readlinkSync(`/proc/self/fd/${fd}`);
  } catch {
    return undefined;
  }
}

/** undefined where /proc is not mounted: the first read or write will tell then. */
function openFlags(fd: number): number | undefined {
  try {
    const m = /^flags:\s*([0-7]+)$/m.exec(readFileSync(`/proc/self/fdinfo/${fd}`, 'utf8'));
    return m?.[1] === undefined ? undefined : Number.parseInt(m[1], 8);
  } catch {
    return undefined;
  }
}
