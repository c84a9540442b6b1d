// SPDX-License-Identifier: MIT

import { spawn, spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';

const SCRIPT = '/usr/bin/script';

/** Why there are no pseudo-terminals for tests here, or undefined. */
export function noTerminal(): string | undefined {
  if (!existsSync(SCRIPT)) return 'needs the package bsdutils';
  const probe = spawnSync(SCRIPT, ['-qec', 'test -c "$(tty)"', '/dev/null'], { stdio: 'pipe' });
  return probe.status === 0 ? undefined : `no pseudo-terminals here: ${probe.stderr}${probe.stdout}`;
}

export interface Seen {
  /** The command's exit code; null when script(1) was ended by a signal. */
  readonly code: number | null;
  /** All that came to the terminal, what was typed too. */
  readonly text: string;
}

/**
 * Runs a command of /bin/sh on a terminal of its own, by script(1), which would take SHELL's. Each time `prompt` is seen, the next of `keys` is typed as it is (end a line with `\n`; `\u0004` at the beginning of one is the
 * end of the terminal). Nothing more is typed when there are no more.
 */
export function onTerminal(
  command: string,
  prompt: RegExp,
  keys: readonly string[],
  env: NodeJS.ProcessEnv = process.env,
): Promise<Seen> {
  const child = spawn(SCRIPT, ['-qec', command, '/dev/null'], {
    stdio: ['pipe', 'pipe', 'inherit'],
    env: { ...env, SHELL: '/bin/sh' },
  });
  let text = '';
  let rest = '';
  let next = 0;
  child.stdout.setEncoding('utf8').on('data', (part: string) => {
    text += part;
    rest += part;
    const found = prompt.exec(rest);
    if (found === null || next >= keys.length) return;
    rest = rest.slice(found.index + found[0].length);
    child.stdin.write(keys[next++] as string);
  });
  child.stdin.on('error', () => undefined);
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    // After all output, which `exit` may come before.
    child.once('close', (code) => resolve({ code, text }));
    child.once('exit', () => child.stdin.destroy());
  });
}
