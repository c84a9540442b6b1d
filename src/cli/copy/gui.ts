// SPDX-License-Identifier: MIT

import { spawnSync } from 'node:child_process';

/** The boxes of the original's gui-fatal.c, first that is installed. `%` and markup are nothing special to them with these flags. */
const BOXES: readonly ((text: string) => [string, string[]])[] = [
  (text) => ['zenity', ['--error', '--no-markup', '--text', text]],
  (text) => ['kdialog', ['--sorry', text]],
];

/** With PROGRESS_TYPE=gui there may be nobody who reads stderr: shows a box and waits for it to be closed. */
export function complain(env: NodeJS.ProcessEnv, text: string): void {
  if (env.PROGRESS_TYPE !== 'gui') return;
  for (const box of BOXES) {
    const [program, args] = box(text);
    const shown = spawnSync(program, args, {
      stdio: 'ignore',
      env: { ...env, DISPLAY: env.DISPLAY ?? ':0' },
    });
    if (shown.error === undefined) return;
  }
}
