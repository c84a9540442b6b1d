// SPDX-License-Identifier: MIT

import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process';
import { accessSync, constants, existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { because, EXIT, NinefoldError, printable } from '../../base/error.ts';
import { callRoute } from '../broker/places.ts';
import { say } from '../report.ts';
import { programPath } from '../serve/launch.ts';
import { AFTER_STOP } from './outcome.ts';

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
 * name where a broker runs, or the one that NINEFOLD_QREXEC_CLIENT names. Resolves with its exit status, EXIT.interrupted when Ctrl-C has ended it. Throws NinefoldError SERVICE_CLIENT
 * (exit 64, 71, 77).
 */
export async function callService(call: ServiceCall): Promise<number> {
  const [client, ...before] = clientCommand();
  if (client === undefined) throw missing(CLIENT);
  const local = call.input === undefined ? [process.execPath, programPath(call.program), ...call.args] : [];
  const args = [...before, '--filter-escape-chars-stderr', '--', call.target, call.service, ...local];
  const [stdin, other] = [
    call.input === undefined ? 'inherit' : 'pipe',
    call.quiet ? 'ignore' : 'inherit',
  ] as const;
  // Ctrl-C goes to the whole group; this process waits until the others have ended, whatever they make of it. From before it is there, so
  // that no moment is left in which the key ends this one alone.
  let interrupted = false;
  const wait = (): void => {
    interrupted = true;
  };
  process.on('SIGINT', wait);
  const child = started(client, args, wait, {
    stdio: [call.quiet && stdin === 'inherit' ? 'ignore' : stdin, other, other],
    env: { ...process.env, ...call.env },
  });
  child.stdin?.on('error', () => {}).end(call.input);
  return new Promise((resolve, reject) => {
    child.once('error', (error) => {
      process.off('SIGINT', wait);
      reject(unstartable(client, error));
    });
    child.once('exit', (code, signal) => {
      process.off('SIGINT', wait);
      if (code === REFUSED && call.target.startsWith('@') && isBrokered()) say(NOBODY_CHOSE);
      // What was through when Ctrl-C came, or went on in spite of it, has not been stopped.
      if (code !== 0 && (interrupted || signal === 'SIGINT')) resolve(EXIT.interrupted);
      else resolve(code ?? 1);
    });
  });
}

/** Some failures Node throws, others it tells of later. */
function started(
  client: string,
  args: readonly string[],
  wait: () => void,
  options: SpawnOptions,
): ChildProcess {
  try {
    return spawn(client, args, options);
  } catch (error) {
    process.off('SIGINT', wait);
    throw unstartable(client, error);
  }
}

function clientCommand(): string[] {
  const route = callRoute();
  if ('broker' in route) return [process.execPath, '--no-warnings', programPath(CLIENT)];
  const program = route.qrexec === CLIENT ? find(CLIENT) : route.qrexec;
  return program === undefined ? [] : [program];
}

/** After Ctrl-C. Where the client does not wait for it, the agent may have been confirmed and at removing. */
export const INTERRUPTED_WORDS = `stopped: ${AFTER_STOP}`;

/** Whether it is a broker that asks: it has the name of the machine already. */
export const isBrokered = (): boolean => 'broker' in callRoute();

/** As a shell looks: the first that may be executed; else one that may not, so that this can be said. */
function find(name: string): string | undefined {
  const there = (process.env.PATH ?? '')
    .split(delimiter)
    .map((dir) => join(dir, name))
    .filter((path) => existsSync(path));
  return there.find(isExecutable) ?? there[0];
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

function unstartable(client: string, error: unknown): NinefoldError {
  const { code, errno } = error as NodeJS.ErrnoException;
  if (code === 'ENOENT' && !existsSync(client)) return missing(client);
  if (code === 'ENOENT')
    return wrong(
      client,
      EXIT.osMissing,
      'what its first line names to run it is not there',
      'mend that line',
    );
  if (code === 'EACCES' || code === 'EPERM')
    return wrong(client, EXIT.noPermission, 'it may not be executed', 'look at its mode (chmod +x)');
  if (code === 'E2BIG')
    return wrong(
      client,
      EXIT.usage,
      'the names are more than one command line holds',
      'send the folder that they are in, or fewer at a time',
    );
  const why = errno === undefined ? String(error) : because(errno);
  return wrong(client, EXIT.osMissing, why, 'see that it is a program of this system, and try again');
}

const missing = (client: string): NinefoldError =>
  wrong(
    client,
    EXIT.osMissing,
    'it is not installed',
    'run this in a qube, start "ninefold broker", or copy to unix:, ssh:// or exec: (ninefold copy --help)',
  );

function wrong(client: string, exit: 64 | 71 | 77, why: string, remedy: string): NinefoldError {
  return new NinefoldError({
    code: 'SERVICE_CLIENT',
    exit,
    what: 'cannot call',
    on: printable(client),
    why,
    remedy,
  });
}
