// SPDX-License-Identifier: MIT

import { spawn } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { openError } from './errors.ts';

/** Waits for its viewer by itself. */
const QUBES_OPEN = '/usr/bin/qubes-open';
const LOOK_MS = 300;
/** A look can miss a program that starts another and ends meanwhile, or that is about to be executed: nobody uses the file when so many in a row have seen nobody. */
const UNSEEN = 3;

/**
 * Has a file opened by the program that is registered for it, and waits until nobody uses it any more. NINEFOLD_OPENER names another opener. Resolves with
 * the opener's exit status. Throws NinefoldError OPEN_SERVICE (exit 69).
 */
export async function view(path: string): Promise<number> {
  const opener = process.env.NINEFOLD_OPENER ?? (existsSync(QUBES_OPEN) ? QUBES_OPEN : 'xdg-open');
  // stdout is the reply's way.
  const child = spawn(opener, [path], { stdio: ['ignore', 2, 2] });
  const status = await new Promise<number>((resolve, reject) => {
    child.once('error', (error) =>
      reject(openError('OPEN_SERVICE', 'cannot run', opener, error, 'install the package xdg-utils', 69)),
    );
    child.once('exit', (code, signal) => resolve(signal === null ? (code ?? 1) : 1));
  });
  // xdg-open hands over to a program that may be running already, and ends.
  for (let unseen = 0; ; await sleep(LOOK_MS)) {
    unseen = inUse(path) ? 0 : unseen + 1;
    if (unseen === UNSEEN) break;
  }
  return status;
}

/** Whether any process but our own line of ancestors has the path in its command line, be it as a file:// address, or the file open. */
function inUse(path: string): boolean {
  const mine = ancestors();
  const named = Buffer.from(path).toString('latin1');
  for (const pid of readdirSync('/proc')) {
    if (!/^[0-9]+$/.test(pid) || mine.has(pid)) continue;
    try {
      const command = readFileSync(`/proc/${pid}/cmdline`, 'latin1');
      if (command.includes(named) || fromUri(command).includes(named)) return true;
      for (const fd of readdirSync(`/proc/${pid}/fd`))
        if (readlinkSync(`/proc/${pid}/fd/${fd}`) === path) return true;
    } catch {
      // It is gone, or another user's.
    }
  }
  return false;
}

/** What a program writes as %XX in the address of a file is up to it. */
const fromUri = (text: string): string =>
  text.replace(/%([0-9a-f]{2})/gi, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));

function ancestors(): Set<string> {
  const found = new Set<string>();
  for (let pid = String(process.pid); pid !== '0' && !found.has(pid); ) {
    found.add(pid);
    try {
      const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
      pid = /^ \S (\d+)/.exec(stat.slice(stat.lastIndexOf(')') + 1))?.[1] ?? '0';
    } catch {
      break;
    }
  }
  return found;
}
