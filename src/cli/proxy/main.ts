// SPDX-License-Identifier: MIT

import { lstatSync, openSync } from 'node:fs';
import { basename, resolve } from 'node:path';
import { EXIT, printable } from '../../base/error.ts';
import { O_CLOEXEC, O_DIRECTORY, O_PATH } from '../../base/sys.ts';
import { socketType } from '../../linux/net.ts';
import { exitNow } from '../../linux/process.ts';
import { describe, say } from '../report.ts';
import { startDaemon } from './daemon.ts';
import { becomeHelper } from './launch.ts';
import { type ProxyLog, stderrLog } from './log.ts';
import { PROGRAM, type ProxySettings, proxySettings } from './options.ts';
import { acceptOne, makeSocket, type Waiting } from './socket.ts';
import { strerror } from './strerror.ts';

/** SOCK_STREAM */
const STREAM = 1;

/** QEMU's helper of that name: command line, checks, messages and exit statuses are the original's. */
export function proxyMain(argv: readonly string[]): void {
  start(argv.slice(2), argv[1] ?? PROGRAM).catch((error: unknown) => {
    const { line, exit } = describe(error);
    say(`${PROGRAM}: ${line}`);
    exitNow(exit);
  });
}

async function start(args: readonly string[], program: string): Promise<void> {
  const settings = proxySettings(args, basename(program));
  if ('lines' in settings) {
    for (const line of settings.lines) say(line);
    process.exit(settings.status);
  }
  const rootFd = openExport(settings.path);
  if (typeof rootFd === 'string') {
    say(rootFd);
    process.exit(1);
  }
  if (settings.daemon) return startDaemon(absolute(settings), rootFd);
  await serveOne(settings, rootFd, stderrLog(), () => {});
}

/** Descriptors and a working folder are a daemon's own: paths are taken from where the person stands. */
function absolute(settings: ProxySettings): ProxySettings {
  const { socket } = settings;
  return {
    ...settings,
    path: resolve(settings.path),
    socket: 'path' in socket ? { ...socket, path: resolve(socket.path) } : socket,
  };
}

/** The export itself, whatever its name will stand for later; or what to say, in the original's words. A symlink is no folder. */
function openExport(path: string): number | string {
  try {
    if (!lstatSync(path).isDirectory()) return `specified path "${printable(path)}" is not directory`;
    return openSync(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
  } catch (error) {
    return `invalid path "${printable(path)}" specified, ${strerror((error as NodeJS.ErrnoException).errno ?? 5)}`;
  }
}

/**
 * The part that foreground and daemon share: waits for QEMU where it has to, then becomes the confined helper. Comes back only after a failure,
 * which has been logged; that is status 0, as with the original. `ready` is called once QEMU may be started.
 */
export async function serveOne(
  settings: ProxySettings,
  rootFd: number,
  log: ProxyLog,
  ready: () => void,
): Promise<never> {
  log.info('Started');
  if (process.geteuid?.() !== 0) log.error('chroot:Operation not permitted');
  else {
    const fd = await connection(settings, log, ready);
    if (typeof fd === 'string') process.exit(fd === 'SIGINT' ? EXIT.interrupted : EXIT.terminated);
    if (fd >= 0) await becomeHelper(settings, rootFd, fd, log);
  }
  log.info('Done');
  process.exit(0);
}

/** QEMU's end: a descriptor, -1 after a failure that has been logged, or the signal that ended the wait. */
async function connection(
  { socket }: ProxySettings,
  log: ProxyLog,
  ready: () => void,
): Promise<number | NodeJS.Signals> {
  if ('fd' in socket) {
    const type = socketType(socket.fd);
    if (type === STREAM) {
      ready();
      return socket.fd;
    }
    log.error(
      type < 0
        ? `socket descriptor ${socket.fd}:${strerror(type)}`
        : `socket descriptor ${socket.fd} is no stream`,
    );
    return -1;
  }
  const waiting: Waiting | undefined = makeSocket(socket.path, socket.uid, socket.gid, log);
  if (waiting === undefined) return -1;
  ready();
  const fd = await acceptOne(waiting);
  if (typeof fd === 'number' && fd < 0) log.error(`accept:${strerror(fd)}`);
  return fd;
}
