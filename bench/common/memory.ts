// SPDX-License-Identifier: MIT

import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

/** Free memory that is left alone, for what the bench itself and others need meanwhile; MiB. */
const SPARED = 2048;
const MOST = 32_768;

/**
 * Takes most of the free memory of a virtual machine once, and gives it back. Its free pages may be with its host, and who takes one first pays for the way: 3 ms for each MiB
 * were seen, ten times what writing it costs, and it hit whichever system happened to come first. Elsewhere it does nothing.
 */
export function touchMemory(): void {
  if (!/^flags.*\bhypervisor\b/m.test(readFileSync('/proc/cpuinfo', 'latin1'))) return;
  const free = /^MemFree: +(\d+) kB/m.exec(readFileSync('/proc/meminfo', 'latin1'))?.[1];
  const mib = Math.min(Math.floor(Number(free ?? 0) / 1024) - SPARED, MOST);
  if (mib <= 0) return;
  process.stderr.write(`touching ${mib} MiB of free memory, which its host may have to bring\n`);
  // In a process of its own, whose end gives all of it back.
  const code = `const held = []; for (let i = 0; i < ${mib}; i += 64) held.push(Buffer.alloc(64 << 20, 1));`;
  spawnSync(process.execPath, ['-e', code], { stdio: 'ignore' });
}
