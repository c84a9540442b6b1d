// SPDX-License-Identifier: MIT

import { spawn } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import { EXIT, NinefoldError } from '../../base/error.ts';
import { programPath } from '../serve/launch.ts';

/** qrexec-client-vm, or whatever has its command line: NINEFOLD_QREXEC_CLIENT names another. */
const CLIENT = 'qrexec-client-vm';

export interface ServiceCall {
  /** A qube's name, or a keyword such as `@default`. */
  readonly target: string;
  readonly service: string;
  /** One of our own programs, connected to the service. */
  readonly program: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Everything into /dev/null. */
  readonly quiet?: boolean;
  /** For the service, in the place of a local program. */
  readonly input?: string;
}

/**
 * Calls a service of another machine, after its policy, or a person, has said yes. This is the one place that knows how: a broker that is called like
 * qrexec-client-vm takes its place by its name in PATH or in NINEFOLD_QREXEC_CLIENT. Resolves with its exit status. Throws NinefoldError SERVICE_CLIENT (exit 71).
 */
export function callService(call: ServiceCall): Promise<number> {
  const client = process.env.NINEFOLD_QREXEC_CLIENT ?? find(CLIENT);
  if (client === undefined) throw missing();
  const local = call.input === undefined ? [process.execPath, programPath(call.program), ...call.args] : [];
  const args = ['--filter-escape-chars-stderr', '--', call.target, call.service, ...local];
  const [stdin, other] = [
    call.input === undefined ? 'inherit' : 'pipe',
    call.quiet ? 'ignore' : 'inherit',
  ] as const;
  const child = spawn(client, args, {
    stdio: [call.quiet && stdin === 'inherit' ? 'ignore' : stdin, other, other],
    env: { ...process.env, ...call.env },
  });
  child.stdin?.on('error', () => {}).end(call.input);
  // Ctrl-C goes to the whole group; this process waits for what the client makes of it.
  const wait = (): void => {};
  process.on('SIGINT', wait);
  return new Promise((resolve, reject) => {
    child.once('error', () => reject(missing()));
    child.once('exit', (code, signal) => {
      process.off('SIGINT', wait);
      resolve(signal === null ? (code ?? 1) : signal === 'SIGINT' ? EXIT.interrupted : 1);
    });
  });
}

function find(name: string): string | undefined {
  for (const dir of (process.env.PATH ?? '').split(delimiter)) {
    try {
      accessSync(join(dir, name), constants.X_OK);
      return join(dir, name);
    } catch {
      // Not in this one.
    }
  }
  return undefined;
}

function missing(): NinefoldError {
  return new NinefoldError({
    code: 'SERVICE_CLIENT',
    exit: EXIT.osMissing,
    what: 'cannot call',
    on: CLIENT,
    why: 'it is not installed',
    remedy: 'copy between Qubes with it, or without Qubes to unix:, ssh:// or exec: (ninefold copy --help)',
  });
}
