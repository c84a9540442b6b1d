// SPDX-License-Identifier: MIT

import { spawn } from 'node:child_process';
import type { Readable } from 'node:stream';
import { EXIT, type ExitCode, NinefoldError, printable } from '../../base/error.ts';
import { checkDescriptors } from '../../transport/descriptor.ts';
import { MOUNTED, parseSource } from '../../transport/source.ts';
import { print } from '../print.ts';
import { say } from '../report.ts';
import { becomeWorker } from '../serve/become.ts';
import { programPath } from '../serve/launch.ts';
import { absoluteSource } from './absolute-source.ts';
import { findHelper } from './helper.ts';
import { checkMountPoint } from './point.ts';
import { openRegistry } from './registry.ts';
import type { MountConfig, Readiness } from './worker-config.ts';

/** Where the background process finds what it is given. */
const READY_FD = 3;
const SOURCE_FDS = { readFd: 4, writeFd: 5 } as const;

/**
 * How large the heap may become before V8 looks through all of it: else it does so for the first time while the first program that goes through a large tree waits (`node --trace-gc`). The
 * process does not become larger by it (89 MB after `git status` over 15,000 files without, 92 with; 106 and 109 after `grep -r`).
 */
const NODE_ARGS: readonly string[] = ['--no-warnings', '--initial-heap-size=128'];

/** What the command line says; the rest of a MountConfig is found out here. */
export type MountOrder = Omit<MountConfig, 'mountpoint' | 'fds' | 'helper' | 'readyFd'>;

/**
 * Checks what can be checked, then starts the mount process: in the background, and returns 0 when the mount answers or the exit code of the failure,
 * which has been told; in the foreground by becoming it.
 */
export async function mountCommand(
  given: string,
  foreground: boolean,
  wanted: MountOrder,
): Promise<ExitCode> {
  const order = { ...wanted, source: absoluteSource(wanted.source) };
  const source = parseSource(order.source, MOUNTED);
  if (source.kind === 'fd') checkDescriptors(source.readFd, source.writeFd);
  const point = await checkMountPoint(given);
  openRegistry();
  if (!point.empty)
    say(
      `ninefold mount: note: ${printable(point.path)} is not empty; what is in it is hidden while the mount is up`,
    );
  const config: MountConfig = { ...order, mountpoint: point.path, helper: findHelper() };
  const fds = source.kind === 'fd' ? [source.readFd, source.writeFd] : [];
  if (foreground) {
    const argv = [process.execPath, ...NODE_ARGS, programPath('mount-worker'), JSON.stringify(config)];
    return becomeWorker({ argv, env: environment() }, [0, 1, ...fds]);
  }
  if (fds.length > 0) config.fds = SOURCE_FDS;
  config.readyFd = READY_FD;
  const answer = await startInBackground(config, fds);
  if (answer.ready) {
    print(`${printable(order.label ?? order.source)} is mounted on ${printable(point.path)}\n`);
    return EXIT.ok;
  }
  say(`ninefold mount: ${answer.line}`);
  return answer.exit as ExitCode;
}

async function startInBackground(config: MountConfig, fds: readonly number[]): Promise<Readiness> {
  const child = spawn(process.execPath, [...NODE_ARGS, programPath('mount-worker'), JSON.stringify(config)], {
    // No terminal's output is held open by what stays; stdin is the terminal as long as ssh may ask for a password.
    stdio: ['ignore', 'ignore', 'ignore', 'pipe', ...fds],
    env: environment(),
  });
  const pass = (signal: NodeJS.Signals): void => void child.kill(signal);
  process.on('SIGINT', pass).on('SIGTERM', pass).on('SIGHUP', pass);
  const ended = new Promise<string>((resolve) => {
    child.once('error', (error) => resolve(error.message));
    child.once('exit', (code, signal) => resolve(signal === null ? `status ${code}` : signal));
  });
  const line = await firstLine(child.stdio[READY_FD] as Readable);
  if (line !== '') {
    const readiness = JSON.parse(line) as Readiness;
    // It is still busy leaving nothing behind.
    if (!readiness.ready) await ended;
    child.unref();
    return readiness;
  }
  const how = await ended;
  const exit = STOPPED[how];
  if (exit !== undefined)
    return {
      ready: false,
      line: 'stopped before the mount was ready; nothing is mounted',
      exit,
      code: 'STOPPED',
    };
  throw new NinefoldError({
    code: 'WORKER_ENDED',
    exit: EXIT.internal,
    what: 'lost the mount process for',
    on: printable(config.mountpoint),
    why: `it ended (${how}) before the mount was ready`,
    remedy: 'try it with --foreground to see what it says',
  });
}

/** How a mount process ends that was told to, before it could hear (the signals) and after. */
const STOPPED: Readonly<Record<string, ExitCode>> = {
  SIGINT: EXIT.interrupted,
  [`status ${EXIT.interrupted}`]: EXIT.interrupted,
  SIGTERM: EXIT.terminated,
  SIGHUP: EXIT.terminated,
  [`status ${EXIT.terminated}`]: EXIT.terminated,
};

/** Up to the newline, or what there was at the end. */
async function firstLine(stream: Readable): Promise<string> {
  let text = '';
  stream.setEncoding('utf8');
  for await (const part of stream) {
    text += part as string;
    if (text.includes('\n')) break;
  }
  return text.split('\n')[0] ?? '';
}

/** What ssh, a command and the register need; nothing that changes how Node runs. */
function environment(): Record<string, string> {
  const kept: Record<string, string> = {};
  for (const [name, value] of Object.entries(process.env))
    if (value !== undefined && !name.startsWith('NODE_')) kept[name] = value;
  return kept;
}
