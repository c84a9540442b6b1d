// SPDX-License-Identifier: MIT

import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import type { TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { run } from './cli.ts';

/** Shows the folder `from` at `to` by way of FUSE; whoever calls it unmounts. False, and the test skipped, where bindfs is not installed. */
export async function bound(
  t: TestContext,
  from: string,
  to: string,
  ...options: string[]
): Promise<boolean> {
  const made = await run(['bindfs', ...options, from, to]);
  if (/ENOENT/.test(String(made.code))) {
    t.skip('needs the package bindfs');
    return false;
  }
  assert.equal(made.code, 0, made.stderr);
  return true;
}

function bindfsAt(to: string): string {
  for (const pid of readdirSync('/proc')) {
    try {
      const words = readFileSync(`/proc/${pid}/cmdline`, 'latin1').split('\0');
      if (words[0] === 'bindfs' && words.includes(to)) return pid;
    } catch {
      // No process, or it has ended.
    }
  }
  throw new Error(`no bindfs has its mount at ${to}`);
}

/**
 * Resolves when the bindfs whose mount is at `to` has nothing left to do, FORGET among it: the kernel does not wait for those, and hands over
 * what it asks later first (fs/fuse/dev.c, forget_batch).
 */
export async function idle(to: string): Promise<void> {
  const status = `/proc/${bindfsAt(to)}/status`;
  let before = '';
  for (let tries = 0; tries < 1000; tries++) {
    const now = readFileSync(status, 'latin1').replace(/^(?!State|voluntary).*\n/gm, '');
    if (now === before && now.startsWith('State:\tS')) return;
    before = now;
    await sleep(20);
  }
  throw new Error(`the bindfs at ${to} was busy for 20 s`);
}
