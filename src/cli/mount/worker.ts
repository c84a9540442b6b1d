// SPDX-License-Identifier: MIT

import { closeSync, fstatSync, readFileSync, writeSync } from 'node:fs';
import type { Server } from 'node:net';
import { availableParallelism } from 'node:os';
import { EXIT, type ExitCode, NinefoldError, printable } from '../../base/error.ts';
import { setNonblocking } from '../../linux/descriptors.ts';
import { openSys } from '../../linux/index.ts';
import { setBuffers } from '../../linux/net.ts';
import { newSession } from '../../linux/process.ts';
import { attachSession, killIsPending, type MountEnd, MountStats, runMount } from '../../mount/index.ts';
import type { Channel } from '../../transport/channel.ts';
import { openChannel } from '../../transport/open.ts';
import { parseSource } from '../../transport/source.ts';
import { lineLog } from '../line-log.ts';
import { describe, say } from '../report.ts';
import { openTransportSys } from '../wiring.ts';
import { attachMount } from './attach.ts';
import { answerStatus } from './control.ts';
import { isOwnThread, keepDescriptorsFromPool, listThrough } from './list-folder.ts';
import { detachOwn, type OwnMount, ownMount } from './own-mount.ts';
import { raiseReadAhead } from './read-ahead.ts';
import {
  cannotWrite,
  controlPath,
  type Entry,
  openRegistry,
  register,
  startTicks,
  unregister,
} from './registry.ts';
import { mountWarmUp } from './warm-up.ts';
import type { MountConfig, Readiness } from './worker-config.ts';

const PROGRAM = 'ninefold mount';
/** Asked for; the kernel gives what net.core.wmem_max and rmem_max allow. */
const SOCKET_BUFFER = 4 * 1024 * 1024;
const SSH_PATIENCE_MS = 120_000;

/** What is to be undone, in the order in which it came to be. */
interface Up {
  /** Nobody is at a terminal. */
  readonly background: boolean;
  /** While a mount is being made a signal waits until it is there to be undone. */
  mounting: boolean;
  channel?: Channel;
  fuseFd?: number;
  own?: OwnMount | undefined;
  registry?: string;
  /** What the register tells of the mount. */
  entry?: Entry;
  control?: Server;
  ready: boolean;
  /** Ends the mount from our side. */
  readonly end: AbortController;
  undoing?: Promise<void>;
  /** Why the mount is given up although it could be served. */
  failure?: unknown;
  /** Set by a signal: the exit code it asks for. */
  stopped?: ExitCode;
}

/** The main function of the program: connects, mounts, tells that it is ready, serves until the end and leaves nothing behind. */
export function mountWorkerMain(argument: string | undefined): void {
  const config = JSON.parse(argument ?? '') as MountConfig;
  const up: Up = {
    background: config.readyFd !== undefined,
    mounting: false,
    ready: false,
    end: new AbortController(),
  };
  run(config, up)
    .catch(async (error: unknown): Promise<ExitCode> => {
      await takeDown(config, up, true);
      if (up.stopped !== undefined) return up.stopped;
      const { line, exit, code } = describe(error);
      tell(config, { ready: false, line, exit, code });
      if (!up.background || up.ready) say(`${PROGRAM}: ${line}`);
      if (process.env.NINEFOLD_DEBUG === '1' && error instanceof Error) say(error.stack ?? '');
      return exit;
    })
    .then((code) => process.exit(code));
}

async function run(config: MountConfig, up: Up): Promise<ExitCode> {
  const { settings, mountpoint } = config;
  const label = config.label ?? config.source;
  const log = lineLog(PROGRAM, config.logLevel, config.logFormat);
  const sys = openSys();
  const stats = new MountStats();
  catchSignals(config, up, stats);

  up.registry = openRegistry();
  const parsed = parseSource(config.source);
  const source =
    parsed.kind === 'fd' && config.fds !== undefined ? { kind: 'fd' as const, ...config.fds } : parsed;
  const uid = process.geteuid?.() ?? 0;
  // Where links are followed, the server could lead us anywhere with root's rights.
  const lists = (settings.nosymfollow || uid !== 0) && keepDescriptorsFromPool();
  // The mount keeps no folder busy; but a command is looked for, and runs, where it was typed.
  if (source.kind !== 'exec') process.chdir('/');
  const channel = await openChannel(openTransportSys(), source, {
    patienceMs: config.patienceMs,
    ssh: config.ssh,
    // In the background there is nobody to hear it; what matters of it comes with the error.
    onStderr: (text) => {
      if (!up.background) process.stderr.write(text);
    },
  });
  process.chdir('/');
  up.channel = channel;
  if (up.stopped !== undefined) throw new Error('stopped');
  setNonblocking(channel.readFd, true);
  setNonblocking(channel.writeFd, true);
  // Room for whole large writes; pipes have no such buffers, and say so.
  setBuffers(channel.writeFd, SOCKET_BUFFER, SOCKET_BUFFER);
  const warmUp = mountWarmUp(sys);
  const session = await attachSession(sys, {
    readFd: channel.readFd,
    writeFd: channel.writeFd,
    peer: printable(label),
    aname: settings.aname,
    uname: settings.uname ?? userName(uid),
    // A name that was asked for by name is the server's to look up.
    ...(settings.uname === undefined ? { nuname: uid } : {}),
    ...(settings.msize === undefined ? {} : { msize: settings.msize }),
    // With one processor a server that starts slowly would wait for it.
    ...(warmUp !== undefined && availableParallelism() > 1
      ? { meanwhile: laterOn(() => warmUp.step()) }
      : {}),
    // A person may be typing a password.
    timeoutMs: source.kind === 'ssh' ? Math.max(config.patienceMs, SSH_PATIENCE_MS) : config.patienceMs,
  }).catch((error: unknown) => explain(error, channel));
  if (up.stopped !== undefined) throw new Error('stopped');

  up.mounting = true;
  up.fuseFd = await attachMount(mountpoint, label, settings, config.helper);
  up.own = ownMount(up.fuseFd, mountpoint);
  up.mounting = false;
  setNonblocking(up.fuseFd, true);
  if (up.stopped !== undefined) throw new Error('stopped');
  const registry = up.registry;
  up.control = await answerStatus(controlPath(registry, process.pid), () => ({
    state: 'connected',
    operations: stats.operations,
    bytesRead: stats.readBytes,
    bytesWritten: stats.writtenBytes,
  })).catch((error: unknown) => {
    throw cannotWrite(registry, error);
  });
  up.control.unref();
  const entry: Entry = {
    pid: process.pid,
    startTicks: startTicks(process.pid) ?? '',
    mountpoint,
    ...(up.own === undefined ? {} : { device: up.own.device }),
    source: label,
    since: Date.now(),
    readOnly: settings.readOnly,
  };
  up.entry = entry;
  const end = await runMount({
    sys,
    fuseFd: up.fuseFd,
    readFd: channel.readFd,
    writeFd: channel.writeFd,
    session,
    options: {
      owners: { uid: settings.uid, gid: settings.gid },
      actsAsRoot: uid === 0 && settings.allowOther,
    },
    stats,
    log,
    ...(warmUp === undefined ? {} : { warmUp }),
    isDying: threadIsDying,
    stop: up.end.signal,
    ...(lists ? { list: listThrough(mountpoint), isOwnThread } : {}),
    onReady: () => {
      try {
        register(registry, entry);
      } catch (error) {
        // Nobody could list or end it.
        up.failure = error;
        return up.end.abort();
      }
      up.ready = true;
      raiseReadAhead(mountpoint);
      // Ctrl-C in the terminal or script that we were started from is not meant for us any more.
      if (up.background) newSession();
      tell(config, { ready: true, pid: process.pid });
    },
  });
  if (up.failure !== undefined) throw up.failure;
  const broken = end.kind !== 'unmounted';
  const why = broken ? await whyBroken(end, channel) : '';
  if (config.stats) say(JSON.stringify({ ...stats.toJSON(), pid: process.pid }));
  // In the background a mount whose server is gone stays, and fails everything: programs must not write into the folder below it instead.
  const stays = broken && up.ready && up.stopped === undefined && up.background;
  if (stays) noteEnd(registry, { ...entry, ended: why });
  await takeDown(config, up, !stays);
  // Its entry is for `list` and `unmount`, which take it away with the mount.
  if (stays) delete up.registry;
  if (up.stopped !== undefined) return up.stopped;
  if (!broken) return EXIT.ok;
  throw new NinefoldError({
    code: end.kind === 'protocol' ? 'P9_BROKEN' : 'SERVER_GONE',
    exit: end.kind === 'protocol' ? EXIT.protocol : EXIT.unavailable,
    what: 'lost the server of',
    on: printable(mountpoint),
    why,
    remedy: stays ? 'unmount it with "ninefold unmount" and mount it again' : 'mount it again',
  });
}

/** A server on this machine is started by then, and what else the machine does meanwhile delays that: only a longer wait, for another machine or a person, is made use of. Milliseconds. */
const SERVER_STARTS_MS = 500;

function laterOn(step: () => boolean): () => boolean {
  const from = performance.now() + SERVER_STARTS_MS;
  return () => performance.now() > from && step();
}

/** Undoes what was done. `unmount` false leaves the dead mount in place, with its entry in the register. Idempotent: whoever comes second waits for the first. */
function takeDown(config: MountConfig, up: Up, unmount: boolean): Promise<void> {
  const undo = async (): Promise<void> => {
    up.control?.close();
    const { fuseFd, channel, own } = up;
    delete up.fuseFd;
    delete up.channel;
    let gone = true;
    if (fuseFd !== undefined) {
      // From here on every access fails at once with ENOTCONN, so that the unmount waits for nobody.
      closeSync(fuseFd);
      if (unmount && own !== undefined) gone = await detachOwn(own, true, config.helper);
    }
    await channel?.close();
    if (up.registry === undefined || !unmount) return;
    unregister(up.registry, process.pid);
    if (!gone && up.entry !== undefined)
      noteEnd(up.registry, { ...up.entry, ended: 'it was ended while something else was mounted on top' });
  };
  up.undoing = (up.undoing ?? Promise.resolve()).then(undo);
  return up.undoing;
}

/** Where there is no room for the reason, the entry of before has to do, or none. */
function noteEnd(registry: string, entry: Entry): void {
  try {
    register(registry, entry);
  } catch {
    // Told already, or of no interest to whoever told us to end.
  }
}

function catchSignals(config: MountConfig, up: Up, stats: MountStats): void {
  for (const [signal, exit] of [
    ['SIGINT', EXIT.interrupted],
    ['SIGTERM', EXIT.terminated],
    ['SIGHUP', EXIT.terminated],
  ] as const)
    process.on(signal, () => {
      if (up.stopped !== undefined) return;
      up.stopped = exit;
      if (up.ready) void endMount(config, up);
      else if (!up.mounting) void takeDown(config, up, true).then(() => process.exit(exit));
    });
  process.on('SIGUSR1', () => {
    if (config.stats) say(JSON.stringify({ ...stats.toJSON(), pid: process.pid }));
  });
}

/** While it answers, what programs have written is still taken to the server; the end of the mount then ends the loop. */
async function endMount(config: MountConfig, up: Up): Promise<void> {
  const { own } = up;
  if (own === undefined || !(await detachOwn(own, false, config.helper))) up.end.abort();
}

/** What went wrong in the first words, and what the program at the other end said to it. */
async function explain(error: unknown, channel: Channel): Promise<never> {
  const gone = error instanceof NinefoldError && (error.code === 'P9_CLOSED' || error.code === 'P9_NOT_9P');
  const words = gone ? await channel.lastWords() : undefined;
  if (!gone || words === undefined) throw error;
  const { code, exit, what, on, remedy } = error;
  throw new NinefoldError({ code, exit, what, on, why: `${error.why} (${words})`, remedy, cause: error });
}

async function whyBroken(end: Exclude<MountEnd, { kind: 'unmounted' }>, channel: Channel): Promise<string> {
  const words = await channel.lastWords();
  return words === undefined ? end.why : `${end.why} (${words})`;
}

/** A pipe whose reader has gone means that nobody wants this mount: it is taken down again. */
function tell(config: MountConfig, readiness: Readiness): void {
  if (config.readyFd === undefined) return;
  try {
    fstatSync(config.readyFd);
    writeSync(config.readyFd, `${JSON.stringify(readiness)}\n`);
    closeSync(config.readyFd);
    delete config.readyFd;
  } catch {
    if (readiness.ready) process.kill(process.pid, 'SIGTERM');
  }
}

function userName(uid: number): string {
  try {
    const line = readFileSync('/etc/passwd', 'utf8')
      .split('\n')
      .find((l) => l.split(':')[2] === String(uid));
    return line?.split(':')[0] ?? '';
  } catch {
    return '';
  }
}

function threadIsDying(pid: number): boolean | undefined {
  try {
    return killIsPending(readFileSync(`/proc/${pid}/status`, 'latin1'));
  } catch {
    return undefined;
  }
}
