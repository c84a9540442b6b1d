// SPDX-License-Identifier: MIT

import { type ChildProcess, spawn } from 'node:child_process';
import type { Writable } from 'node:stream';
import { because, EXIT, type ExitCode } from '../../base/error.ts';
import type { Sys } from '../../base/sys.ts';
import { Turns } from '../../base/turns.ts';
import { ringFilter } from '../../linux/seccomp.ts';
import { acceptor } from '../../transport/accepting.ts';
import type { Listener } from '../../transport/listener.ts';
import type { TransportSys } from '../../transport/sys.ts';
import type { Log } from '../log.ts';
import { say } from '../report.ts';
import type { Launch } from './launch.ts';

/** Where a worker finds what it is given: `Launch` is made for these numbers. */
export const WORKER_FDS = { connection: 3, control: 4, filter: 5, root: 6, passwd: 7, group: 8 } as const;
/** How long a worker may take to end after SIGTERM. */
const GRACE_MS = 2000;

export interface SuperviseOptions {
  sys: Sys;
  transport: TransportSys;
  listeners: readonly Listener[];
  /** What workers inherit from WORKER_FDS.root on. */
  inherited: readonly number[];
  launch: Launch;
  maxConnections: number;
  stats: boolean;
  log: Log;
}

/**
 * Accepts connections and gives each a confined process of its own, until SIGINT, SIGTERM or SIGHUP; then every worker is ended and every listener
 * closed. Resolves with the exit code.
 */
export async function supervise(options: SuperviseOptions): Promise<ExitCode> {
  const { log, listeners } = options;
  const turns = new Turns(options.sys, listeners.length);
  const workers = new Map<number, ChildProcess>();
  const counters = { accepted: 0, refused: 0, failed: 0 };
  let exit: ExitCode = EXIT.ok;

  const begin = (fd: number): void => {
    counters.accepted++;
    if (workers.size >= options.maxConnections) {
      counters.refused++;
      log.warn(`refused a connection: ${workers.size} are open, the most that --max-connections allows`);
      options.transport.close(fd);
      return;
    }
    const failed = (error: unknown): void => {
      counters.failed++;
      log.error(`cannot start a server process: ${because((error as NodeJS.ErrnoException).errno ?? 5)}`);
    };
    const worker = startWorker(options, fd, failed);
    // The worker has its own copy now (or never will).
    options.transport.close(fd);
    const number = counters.accepted;
    if (worker === undefined) return;
    const { pid } = worker;
    if (pid === undefined) return;
    workers.set(pid, worker);
    log.debug(`connection ${number} goes to process ${pid}`);
    worker.on('exit', (code, signal) => {
      workers.delete(pid);
      if (code !== 0 && code !== EXIT.protocol) counters.failed++;
      if (code === 0) log.debug(`connection ${number} ended`);
      else log.info(`connection ${number} ended ${signal === null ? `with status ${code}` : `by ${signal}`}`);
    });
  };

  for (const listener of listeners)
    turns.add(acceptor(options.transport, listener, begin, (line) => options.log.warn(line)));
  const onStats = (): void => {
    if (!options.stats) return;
    say(JSON.stringify({ ...counters, open: workers.size, pid: process.pid }));
    for (const worker of workers.values()) (worker.stdio[WORKER_FDS.control] as Writable).write('s');
  };
  process.on('SIGUSR1', onStats);
  for (const [signal, code] of [
    ['SIGINT', EXIT.interrupted],
    ['SIGTERM', EXIT.terminated],
    ['SIGHUP', EXIT.terminated],
  ] as const)
    process.on(signal, () => {
      exit = code;
      turns.stop();
    });

  try {
    await turns.run();
  } finally {
    for (const listener of listeners) listener.close();
    await endAll(workers);
    if (options.stats) say(JSON.stringify({ ...counters, open: workers.size, pid: process.pid }));
  }
  return exit;
}

/** `failed`: this one client is not served, and all others are as before. Undefined: there is nothing of the process. */
function startWorker(
  { sys, launch, inherited }: SuperviseOptions,
  fd: number,
  failed: (error: unknown) => void,
): ChildProcess | undefined {
  const [program, ...args] = launch.argv;
  const filter = launch.sandbox === 'bwrap' ? ringFilter() : undefined;
  try {
    if (filter !== undefined && filter < 0) throw Object.assign(new Error('no filter'), { errno: filter });
    const worker = spawn(program ?? '', args, {
      env: launch.env,
      cwd: '/',
      stdio: ['ignore', 'ignore', 'inherit', fd, 'pipe', filter ?? 'ignore', ...inherited],
    });
    worker.on('error', failed);
    // Without descriptors for the pipe (EMFILE, ENFILE) Node gives no `stdio` at all, whatever its types say.
    const stdio: ChildProcess['stdio'] | undefined = worker.stdio;
    // The worker may be gone before a question reaches it.
    stdio?.[WORKER_FDS.control]?.on('error', () => {});
    return worker;
  } catch (error) {
    // Some errors (ENOMEM) are thrown at once, others come as an event.
    failed(error);
    return undefined;
  } finally {
    if (filter !== undefined && filter >= 0) sys.close(filter);
  }
}

async function endAll(workers: ReadonlyMap<number, ChildProcess>): Promise<void> {
  const all = [...workers.values()];
  const ended = Promise.all(all.map((w) => new Promise<void>((resolve) => w.once('exit', () => resolve()))));
  for (const w of all) w.kill('SIGTERM');
  const timer = setTimeout(() => {
    for (const w of all) w.kill('SIGKILL');
  }, GRACE_MS);
  await ended;
  clearTimeout(timer);
}
