// SPDX-License-Identifier: MIT

import { spawn } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import { EXIT, NinefoldError } from '../../base/error.ts';
import { callRoute } from '../broker/places.ts';
import { say } from '../report.ts';
import { programPath } from '../serve/launch.ts';

const CLIENT = 'qrexec-client-vm';
const REFUSED = 126;
const NOBODY_CHOSE =
  'without Qubes nobody chooses a machine for you, and there are no disposables: name one ("ninefold copy FILE MACHINE", "qvm-copy-to-vm MACHINE FILE"), or have the broker\'s policy name it';

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
 * Calls a service of another machine, after its policy, or a person, has said yes. This is the one place that knows how: qrexec-client-vm of Qubes, our own of that
 * name where a broker runs, or the one that NINEFOLD_QREXEC_CLIENT names. Resolves with its exit status, EXIT.interrupted after Ctrl-C. Throws NinefoldError SERVICE_CLIENT (exit 71).
 */
export function callService(call: ServiceCall): Promise<number> {
  const [client, ...before] = clientCommand();
  if (client === undefined) throw missing();
  const local = call.input === undefined ? [process.execPath, programPath(call.program), ...call.args] : [];
  const args = [...before, '--filter-escape-chars-stderr', '--', call.target, call.service, ...local];
  const [stdin, other] = [
    call.input === undefined ? 'inherit' : 'pipe',
    call.quiet ? 'ignore' : 'inherit',
  ] as const;
  const child = spawn(client, args, {
    stdio: [call.quiet && stdin === 'inherit' ? 'ignore' : stdin, other, other],
    env: { ...process.env, ...call.env },
  });
  child.stdin?.on('error', () => {}).end(call.input);
  // Ctrl-C goes to the whole group; this process waits until the others have ended, whatever they make of it.
  let interrupted = false;
  const wait = (): void => {
    interrupted = true;
  };
  process.on('SIGINT', wait);
  return new Promise((resolve, reject) => {
    child.once('error', () => reject(missing()));
    child.once('exit', (code, signal) => {
      process.off('SIGINT', wait);
      if (code === REFUSED && call.target.startsWith('@') && isBrokered()) say(NOBODY_CHOSE);
      if (interrupted || signal === 'SIGINT') resolve(EXIT.interrupted);
      else resolve(code ?? 1);
    });
  });
}

function clientCommand(): string[] {
  const route = callRoute();
  if ('broker' in route) return [process.execPath, '--no-warnings', programPath(CLIENT)];
  const program = route.qrexec === CLIENT ? find(CLIENT) : route.qrexec;
  return program === undefined ? [] : [program];
}

/** What a person should know who has stopped a copy or a move by Ctrl-C. */
export const INTERRUPTED_WORDS =
  'stopped: files that had arrived whole stay there, nothing was removed here; --resume goes on where the receiver allows it';

/** Whether it is a broker that asks: it has the name of the machine already. */
export const isBrokered = (): boolean => 'broker' in callRoute();

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
    remedy:
      'run this in a qube, start "ninefold broker", or copy to unix:, ssh:// or exec: (ninefold copy --help)',
  });
}
