// SPDX-License-Identifier: MIT

import { spawn } from 'node:child_process';
import { accessSync, constants, readFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import type { Bwrap } from './plan.ts';

/** Looked at before PATH. */
const USUAL = ['/usr/bin', '/bin', '/usr/local/bin'];
/** A working bubblewrap needs some 10 ms. */
const PATIENCE_MS = 5000;

/** The installed bubblewrap, or undefined. Its options are read off the program's own help text, which is quicker than running it. */
export function findBwrap(path: string = process.env.PATH ?? ''): Bwrap | undefined {
  for (const dir of [...USUAL, ...path.split(delimiter).filter((d) => d.startsWith('/'))]) {
    const file = join(dir, 'bwrap');
    try {
      accessSync(file, constants.X_OK);
      const program = readFileSync(file);
      return {
        path: file,
        bindFd: program.includes('--ro-bind-fd'),
        disableUserns: program.includes('--disable-userns'),
      };
    } catch {
      // Not there, or not for us.
    }
  }
  return undefined;
}

/**
 * Whether a bubblewrap command line works here: runs it with a program that does nothing (`argv` is complete). Resolves with undefined, or
 * with bubblewrap's own words. `fds` are handed on by their numbers.
 */
export function tryBwrap(argv: readonly string[], stdio: (number | 'ignore')[]): Promise<string | undefined> {
  return new Promise((resolve) => {
    const [program = '', ...args] = argv;
    const child = spawn(program, args, {
      env: {},
      cwd: '/',
      stdio: ['ignore', 'ignore', 'pipe', ...stdio],
      timeout: PATIENCE_MS,
      killSignal: 'SIGKILL',
    });
    let words = '';
    child.stderr?.setEncoding('utf8').on('data', (part: string) => {
      if (words.length < 2048) words += part;
    });
    child.once('error', (e) => resolve(e.message));
    child.once('close', (code, signal) => {
      if (code === 0) resolve(undefined);
      else resolve(words.trim().split('\n').at(-1) || `it ended with ${code ?? signal}`);
    });
  });
}
