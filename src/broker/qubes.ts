// SPDX-License-Identifier: MIT

import { execFile } from 'node:child_process';
import { because, EXIT, NinefoldError, printable } from '../base/error.ts';
import { parseName } from '../policy/name.ts';
import type { Machine } from './desk.ts';

const PATIENCE_MS = 20_000;

/**
 * What Qubes knows of a qube, by `qvm-ls`, which is run once: a service is one call. A disposable is one by its class, whatever it is called. What it returns rejects with NinefoldError MACHINES_UNKNOWN
 * (exit 69).
 */
export function qubesMachine(program = 'qvm-ls'): (name: string) => Promise<Machine> {
  let asked: ReturnType<typeof qubesMachines> | undefined;
  return async (name) => {
    asked ??= qubesMachines(program);
    const found = (await asked).find((qube) => qube.name === name);
    return { known: found !== undefined, disposable: found?.disposable === true };
  };
}

/** All qubes but dom0, in the order of `qvm-ls --raw-data --fields NAME,CLASS`: one line a qube, its fields between bars. Throws NinefoldError MACHINES_UNKNOWN (exit 69). */
export async function qubesMachines(program = 'qvm-ls'): Promise<{ name: string; disposable: boolean }[]> {
  const text = await run(program, ['--raw-data', '--fields', 'NAME,CLASS']);
  return text.split('\n').flatMap((line) => {
    const [name = '', kind = ''] = line.split('|').map((field) => field.trim());
    // Its own title line, where a version of qvm-ls prints one, has no class that there is.
    return name === '' || kind === 'AdminVM' || !parseName(name).ok || !/VM$/.test(kind)
      ? []
      : [{ name, disposable: kind === 'DispVM' }];
  });
}

function run(program: string, args: readonly string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    execFile(program, [...args], { timeout: PATIENCE_MS, maxBuffer: 1 << 22 }, (error, stdout) => {
      if (error === null) return resolve(stdout);
      const { errno } = error as NodeJS.ErrnoException;
      reject(
        new NinefoldError({
          code: 'MACHINES_UNKNOWN',
          exit: EXIT.unavailable,
          what: 'cannot find out which machines there are with',
          on: printable(program),
          why: typeof errno === 'number' ? because(errno) : printable(error.message.split('\n')[0] ?? ''),
          remedy: 'run this in dom0, or use "ninefold broker"',
          cause: error,
        }),
      );
    });
  });
}
