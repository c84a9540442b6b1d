// SPDX-License-Identifier: MIT

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';

/** As much as a measurement takes anew: a page cache of the largest file, and as much again for what is written and copied. MiB. */
const HELD = 1536;
/** Memory that is left to all others. MiB. */
const SPARED = 2048;

/**
 * Takes memory of a virtual machine, so that it is there, and gives it back when the returned function is called: at that moment, and not earlier, because two seconds later the guest begins
 * to give its free pages to the host (VIRTIO_BALLOON_F_REPORTING), and who takes one of those pays for the way: 2 GiB took 0.9 s or 3.5 s, by chance, and so a file of 512 MiB was read in
 * 0.3 s or in 0.7 s, whichever system it was. Elsewhere it does nothing.
 */
export async function holdMemory(): Promise<() => Promise<void>> {
  if (!/^flags.*\bhypervisor\b/m.test(readFileSync('/proc/cpuinfo', 'latin1'))) return async () => {};
  const free = /^MemFree: +(\d+) kB/m.exec(readFileSync('/proc/meminfo', 'latin1'))?.[1];
  const mib = Math.min(Math.floor(Number(free ?? 0) / 1024) - SPARED, HELD);
  if (mib < 64) return async () => {};
  // In a process of its own, whose end gives all of it back; its standard input ends with us.
  const code = `const held = []; for (let i = 0; i < ${mib}; i += 64) held.push(Buffer.alloc(64 << 20, 1));
    process.stdout.write('held'); process.stdin.resume();`;
  const holder = spawn(process.execPath, ['-e', code], { stdio: ['pipe', 'pipe', 'ignore'] });
  const gone = once(holder, 'exit');
  await Promise.race([once(holder.stdout, 'data'), gone]);
  return async () => {
    holder.kill('SIGKILL');
    await gone;
  };
}
