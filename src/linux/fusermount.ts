// SPDX-License-Identifier: MIT
// Mounting without being root, through the set-uid helper of the package fuse3 (fusermount3(1), libfuse's lib/mount.c).

import { spawn } from 'node:child_process';
import { c } from './libc.ts';
import { setNonblocking, socketpair } from './net.ts';
import { recvFd } from './passing.ts';

/** What came of it: the /dev/fuse descriptor, or the helper's own words (`why`) and its -errno if it could not even be started. */
export type FusermountResult =
  | {
      fd: number;
      /** With `auto_unmount`, the helper stays and unmounts when this is closed; -1 without. */
      keepFd: number;
    }
  | { why: string; errno: number };

/** The helper cleans its environment itself; it is given as little as it needs. */
const ENV = { PATH: '/usr/bin:/bin:/usr/sbin:/sbin', LC_ALL: 'C' };

/**
 * `fusermount3 -o OPTIONS -- MOUNTPOINT`. Options: fuse-kernel's table (default_permissions, allow_other, max_read=, fsname=, subtype=, ro,
 * noexec, …); a comma or backslash inside fsname and subtype is escaped by the caller. The helper adds nosuid and nodev.
 */
export async function fusermountMount(
  helper: string,
  mountpoint: string,
  options: readonly string[],
): Promise<FusermountResult> {
  const pair: [number, number] = [-1, -1];
  const r = socketpair(pair);
  if (r < 0) return { why: 'no socket pair', errno: r };
  const [ours, theirs] = pair;
  const args = options.length > 0 ? ['-o', options.join(','), '--', mountpoint] : ['--', mountpoint];
  const ended = run(helper, args, theirs);
  c.close(theirs);
  const { code, stderr, errno } = await ended;
  // The descriptor was sent before the helper ended, so nothing is waited for.
  setNonblocking(ours, true);
  const fd = errno === 0 && code === 0 ? recvFd(ours) : -1;
  if (fd >= 0 && options.includes('auto_unmount')) return { fd, keepFd: ours };
  c.close(ours);
  if (fd >= 0) return { fd, keepFd: -1 };
  return { why: stderr.trim() || `${helper} ended with ${code}`, errno };
}

/** `fusermount3 -u`, with -z when `lazy`. undefined when done, else the helper's words. */
export async function fusermountUnmount(
  helper: string,
  mountpoint: string,
  lazy: boolean,
): Promise<{ why: string; errno: number } | undefined> {
  const { code, stderr, errno } = await run(helper, ['-u', ...(lazy ? ['-z'] : []), '--', mountpoint]);
  if (errno === 0 && code === 0) return undefined;
  return { why: stderr.trim() || `${helper} ended with ${code}`, errno };
}

function run(
  helper: string,
  args: string[],
  commFd?: number,
): Promise<{ code: number | string; stderr: string; errno: number }> {
  return new Promise((resolve) => {
    const child = spawn(helper, args, {
      stdio: ['ignore', 'ignore', 'pipe', ...(commFd === undefined ? [] : [commFd])],
      env: commFd === undefined ? ENV : { ...ENV, _FUSE_COMMFD: '3' },
    });
    let stderr = '';
    child.stderr?.setEncoding('utf8').on('data', (part: string) => {
      if (stderr.length < 4096) stderr += part;
    });
    child.once('error', (e: NodeJS.ErrnoException) =>
      resolve({ code: 1, stderr: e.message, errno: e.errno ?? -2 }),
    );
    // `exit`, not `close`: with auto_unmount a grandchild keeps stderr open.
    child.once('exit', (code, signal) => {
      setImmediate(() => {
        child.stderr?.destroy();
        resolve({ code: code ?? signal ?? 1, stderr, errno: 0 });
      });
    });
  });
}
