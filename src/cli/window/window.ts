// SPDX-License-Identifier: MIT

import { spawn } from 'node:child_process';
import { dirname, join } from 'node:path';
import { EXIT } from '../../base/error.ts';
import { say } from '../report.ts';
import { programPath } from '../serve/launch.ts';

/** `bin/`, beside the folder of what was built. */
const binFolder = (): string => join(dirname(dirname(dirname(programPath('ninefold')))), 'bin');

/**
 * Shows the window `bundle` of src/ui/programs/ and waits for its end; resolves with its exit status. Which packages are missing is said by bin/window.sh, with 69: it is what starts windows without
 * Node too.
 */
export function showWindow(name: string, bundle: string, args: readonly string[]): Promise<number> {
  const script = 'here=$1; shift; . "$here/window.sh"; window "$@"';
  const argv = ['-c', script, 'sh', binFolder(), name, bundle, ...args];
  const env = { ...process.env, NINEFOLD_NODE: process.execPath };
  return new Promise((resolve) => {
    const child = spawn('/bin/sh', argv, { stdio: 'inherit', env });
    const pass = (signal: NodeJS.Signals): void => void child.kill(signal);
    process.on('SIGINT', pass).on('SIGTERM', pass).on('SIGHUP', pass);
    child.once('error', (error) => {
      say(`${name}: cannot run /bin/sh: ${error.message}; check the system`);
      resolve(EXIT.osMissing);
    });
    child.once('exit', (code, signal) =>
      resolve(signal === 'SIGINT' ? EXIT.interrupted : signal === null ? (code ?? 0) : EXIT.terminated),
    );
  });
}
