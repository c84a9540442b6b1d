// SPDX-License-Identifier: MIT

import { spawn } from 'node:child_process';

/** What came of an attempt to unmount. */
export type Detached = 'done' | 'busy' | 'not-mounted' | { why: string };

/** umount(2) writes back what programs changed through mmap, so it waits for the server; but not for ever. */
const PATIENCE_MS = 10_000;

/**
 * Unmounts through umount(8) as root, fusermount3(1) otherwise: in a process of its own, because whoever serves the mount must not wait for it, and
 * because a dead server can make it hang. `lazy`: out of the tree at once, ended when the last program lets go.
 */
export async function detach(mountpoint: string, lazy: boolean, helper: string): Promise<Detached> {
  const argv =
    process.geteuid?.() === 0
      ? // -i: no helper programs; -c: the path is canonical, and looking at a dead mount would fail.
        ['umount', '-i', '-c', ...(lazy ? ['-l'] : []), '--', mountpoint]
      : [helper, '-u', ...(lazy ? ['-z'] : []), '--', mountpoint];
  const { ok, words } = await run(argv);
  if (ok) return 'done';
  if (/busy/i.test(words)) return 'busy';
  if (/not mounted|not found|no mount point|Invalid argument/i.test(words)) return 'not-mounted';
  return { why: words };
}

function run(argv: readonly string[]): Promise<{ ok: boolean; words: string }> {
  const [program = '', ...args] = argv;
  return new Promise((resolve) => {
    const child = spawn(program, args, {
      stdio: ['ignore', 'ignore', 'pipe'],
      env: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', LC_ALL: 'C' },
      // Ctrl-C is for us: this must still be done.
      detached: true,
    });
    let words = '';
    let late = false;
    const timer = setTimeout(() => {
      late = true;
      child.kill('SIGKILL');
    }, PATIENCE_MS);
    child.stderr?.setEncoding('utf8').on('data', (part: string) => {
      if (words.length < 4096) words += part;
    });
    child.once('error', (error) => {
      clearTimeout(timer);
      resolve({ ok: false, words: error.message });
    });
    child.once('close', (code) => {
      clearTimeout(timer);
      const said = words.trim().split('\n').at(-1) ?? '';
      resolve({ ok: code === 0, words: late ? `it took longer than ${PATIENCE_MS / 1000} s` : said });
    });
  });
}
