// SPDX-License-Identifier: MIT

import { openSync, readdirSync } from 'node:fs';
import { Socket } from 'node:net';
import { because, EXIT, type ExitCode, NinefoldError, printable } from '../../base/error.ts';
import { O_CLOEXEC, O_DIRECTORY, O_PATH, O_RDONLY, O_WRONLY } from '../../base/sys.ts';
import { growTable } from '../../linux/descriptors.ts';
import { openSys } from '../../linux/index.ts';
import { setBuffers } from '../../linux/net.ts';
import { type CapName, getOpenFileLimit, keepCapabilities, setOpenFileLimit } from '../../linux/process.ts';
import { refuseNeedlessCalls } from '../../linux/seccomp.ts';
import { unblocked, unblockedSocket } from '../../linux/unblocked.ts';
import { Stats, serveConnection } from '../../p9-server/index.ts';
import { serverCapabilities } from '../../sandbox/index.ts';
import { lineLog } from '../line-log.ts';
import { die, say } from '../report.ts';
import { serverOptions } from './options.ts';
import { TrafficTeller } from './traffic-teller.ts';
import { userTable } from './users.ts';
import { serverWarmUp } from './warm-up.ts';
import type { WorkerConfig } from './worker-config.ts';

/**
 * The data plane of one connection: runs confined, serves one folder to one peer and ends with it. Exit 0 when the peer closed between
 * two messages, `breachExit` when it broke the protocol or went away in the middle of one, 8 when the server itself failed.
 */
export async function serveWorker(config: WorkerConfig): Promise<ExitCode> {
  const { program, settings } = config;
  const sys = openSys();
  const stats = new Stats();
  const printStats = (): void => say(JSON.stringify({ ...stats.toJSON(), pid: process.pid }));
  // Always handled: without a handler Node would open a debugger's port at this signal.
  process.on('SIGUSR1', () => {
    if (settings.stats) printStats();
  });
  const teller = config.trafficFd === undefined ? undefined : new TrafficTeller(sys, config.trafficFd, stats);
  const leave = (exit: ExitCode): never => {
    teller?.last();
    if (settings.stats) printStats();
    process.exit(exit);
  };
  for (const [signal, exit] of [
    ['SIGINT', EXIT.interrupted],
    ['SIGTERM', EXIT.terminated],
    ['SIGHUP', EXIT.terminated],
  ] as const)
    process.on(signal, () => leave(exit));
  const abandoned = (): never => leave(EXIT.terminated);
  if (config.controlFd !== undefined) watchEnd(config.controlFd, printStats, abandoned);
  if (config.aliveFd !== undefined) watchEnd(config.aliveFd, () => {}, abandoned);

  const rootFd = openRoot(config);
  settings.limits.descriptors = Math.min(settings.limits.descriptors, descriptorsToHave());
  const log = lineLog(program, settings.logLevel, settings.logFormat);
  const kept = settings.sandbox === 'none' ? keepOwnCapabilities(settings.devices) : 0;
  if (kept < 0) log('warn', `capabilities beyond need are not given up: ${because(kept)}`);
  // Room for whole large replies: fewer wake-ups on both sides. Pipes have no such buffers, and say so.
  setBuffers(config.writeFd, SOCKET_BUFFER, SOCKET_BUFFER);
  // A peer that takes nothing more must not hold the server in write(2): signals, the supervisor's end and the sandbox's would go unnoticed.
  const from = unblocked(config.readFd, O_RDONLY);
  const to = config.writeFd === config.readFd ? from : unblocked(config.writeFd, O_WRONLY);
  const socket = config.peerIsStarter === true ? unblockedSocket(config.writeFd) : undefined;
  process.on('exit', () => {
    socket?.undo();
    from.undo();
    to.undo();
  });
  // A second wall behind the sandbox, for all threads at once. Everything that it refuses is done by now.
  const walled = settings.sandbox === 'none' ? 0 : refuseNeedlessCalls();
  if (walled < 0) log('warn', `the filter of system calls is not in force: ${because(walled)}`);
  const most = Math.min(settings.limits.descriptors + RESERVE, GROWN_AT_ONCE);
  const growing = setTimeout(() => growTable(rootFd, most), GROW_AFTER_MS);
  const options = serverOptions(settings, { log, lookupUser: userTable(config.userFds) });
  const warmUp = serverWarmUp(sys, rootFd, options);
  try {
    const end = await serveConnection({
      sys,
      readFd: from.fd,
      writeFd: to.fd,
      sendsFiles: socket !== undefined,
      rootFd,
      options,
      stats,
      ...(warmUp === undefined ? {} : { warmUp }),
    });
    teller?.last();
    // After all else that is said: whoever started this tells the last words on.
    if (!end.clean) log('warn', end.why);
    return end.clean ? EXIT.ok : config.breachExit;
  } catch (error) {
    throw new NinefoldError({
      code: 'SERVER_FAILED',
      exit: EXIT.server,
      what: 'the server failed while serving',
      on: 'a client',
      why: printable(error instanceof Error ? error.message : String(error)),
      remedy: 'please report it, with the output under NINEFOLD_DEBUG=1',
      cause: error,
    });
  } finally {
    clearTimeout(growing);
    if (settings.stats) printStats();
  }
}

/** Asked for; the kernel gives what net.core.wmem_max and rmem_max allow. */
const SOCKET_BUFFER = 4 * 1024 * 1024;
/** Descriptors that Node and this program keep for themselves. */
const RESERVE = 64;
/** Under a limit that leaves fewer than that, these: beyond what is open already, for what comes and goes; and what a message needs at the least. */
const SPARE = 10;
const LEAST = 16;

/** So many the table of descriptors has room for soon after the start (128 KiB), and not before the client has had its first replies. Milliseconds. */
const GROWN_AT_ONCE = 16_384;
const GROW_AFTER_MS = 20;

/** The limit of open files, raised as far as this process may, less the reserve. */
function descriptorsToHave(): number {
  const limit = getOpenFileLimit();
  if (typeof limit === 'number') return 1024 - RESERVE;
  const raised = setOpenFileLimit(limit.hard, limit.hard) >= 0 ? limit.hard : limit.soft;
  return raised >= 2 * RESERVE ? raised - RESERVE : Math.max(LEAST, raised - openNow() - SPARE);
}

function openNow(): number {
  try {
    return readdirSync('/proc/self/fd').length;
  } catch {
    // Landlock shows no list of them.
    return RESERVE / 2;
  }
}

/**
 * Root that no sandbox confines gives up here what a confined one never has, before there is a thread of the pool: with CAP_SYS_RESOURCE, which setfsuid(2) leaves, users would go
 * past their quotas (ignore_hardlimit, fs/quota/dquot.c). 0 or -errno.
 */
function keepOwnCapabilities(devices: boolean): number {
  if (process.geteuid?.() !== 0) return 0;
  return keepCapabilities(serverCapabilities(devices) as CapName[]);
}

function openRoot({ root }: WorkerConfig): number {
  if ('fd' in root) return root.fd;
  try {
    return openSync(root.path, O_PATH | O_DIRECTORY | O_CLOEXEC);
  } catch (error) {
    throw new NinefoldError({
      code: 'SHARE_MISSING',
      exit: EXIT.server,
      what: 'cannot open the shared folder inside the sandbox as',
      on: printable(root.path),
      why: because((error as NodeJS.ErrnoException).errno ?? 5),
      remedy: 'check that the folder is still there',
      cause: error,
    });
  }
}

/** Calls `onData` when anything comes; the end means that whoever held the other end is gone, and a share must not outlive it. */
function watchEnd(fd: number, onData: () => void, onEnd: () => void): void {
  const socket = new Socket({ fd, readable: true, writable: false });
  socket.on('data', onData).on('error', onEnd).on('end', onEnd);
  socket.unref();
}

/** The main function of the program: the configuration is its one argument. */
export function serveWorkerMain(argument: string | undefined): void {
  let program = 'serve-worker';
  Promise.resolve()
    .then(() => {
      const config = JSON.parse(argument ?? '') as WorkerConfig;
      program = config.program;
      return serveWorker(config);
    })
    .then(
      (code) => process.exit(code),
      (error: unknown) => die(program, error),
    );
}
