// SPDX-License-Identifier: MIT

import { accessSync, constants, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { isatty } from 'node:tty';
import { type Asked, askBy } from '../../broker/ask.ts';
import type { Question } from '../../policy/asking.ts';
import type { ServiceQuestion } from '../../policy/service-asking.ts';
import { programPath } from '../serve/launch.ts';

/** The program of the desktop, found through PATH. */
const DESKTOP = 'ninefold-ask';

/**
 * Who puts a question: `command` (a shell's), else the program of the desktop where there is one, else the terminal of this process, else nobody, and then the answer
 * is no. A command's words are a person's own: from an option, a configuration file or NINEFOLD_ASK.
 */
export function asker(
  command: string | undefined,
  env: NodeJS.ProcessEnv = process.env,
): { readonly how: string; ask(question: Question | ServiceQuestion): Promise<Asked> } {
  if (command !== undefined && command !== '')
    return { how: `"${command}"`, ask: (q) => askBy(['/bin/sh', '-c', command], q, env) };
  const desktop = findProgram(DESKTOP, env.PATH ?? '/usr/bin:/bin');
  if (desktop !== undefined && (env.DISPLAY || env.WAYLAND_DISPLAY))
    return { how: desktop, ask: (q) => askBy([desktop], q, env) };
  const tty = terminal();
  if (tty !== undefined) {
    const argv = [process.execPath, '--no-warnings', programPath('ninefold-ask-tty')];
    return { how: `the terminal ${tty}`, ask: (q) => askBy(argv, q, { ...env, NINEFOLD_TTY: tty }) };
  }
  const why = 'there is nobody to ask: no asking program is set, and there is no desktop or terminal';
  return { how: 'nobody', ask: () => Promise.resolve({ kind: 'failed', why }) };
}

function findProgram(name: string, path: string): string | undefined {
  for (const dir of path.split(':').filter((d) => d.startsWith('/')))
    try {
      accessSync(join(dir, name), constants.X_OK);
      return join(dir, name);
    } catch {
      // Not there.
    }
  return undefined;
}

/** Of stdin, else of stderr: asking programs run in a session of their own, which has none. */
function terminal(): string | undefined {
  for (const fd of [0, 2])
    if (isatty(fd))
      try {
        return readlinkSync(`/proc/self/fd/${fd}`);
      } catch {
        return undefined;
      }
  return undefined;
}
