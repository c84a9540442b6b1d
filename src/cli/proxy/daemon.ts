// SPDX-License-Identifier: MIT

import { spawn } from 'node:child_process';
import { closeSync, writeSync } from 'node:fs';
import type { Readable } from 'node:stream';
import { describe, say } from '../report.ts';
import { programPath } from '../serve/launch.ts';
import { type ProxyLog, syslogLog } from './log.ts';
import { serveOne } from './main.ts';
import type { ProxySettings } from './options.ts';

/** Where the daemon finds what it is given. */
const FDS = { ready: 3, root: 4, socket: 5 } as const;
const READY = 'ready\n';

/**
 * The place of daemon(3), since a Node process cannot fork: starts a process of its own session and ends with status 0 once that waits for QEMU, or
 * serves it. What keeps it from that is in the machine's log, and is said here too.
 */
export function startDaemon(settings: ProxySettings, rootFd: number): Promise<void> {
  const { socket } = settings;
  const child = spawn(process.execPath, [programPath('proxy-daemon'), JSON.stringify(settings)], {
    detached: true,
    cwd: '/',
    stdio: ['ignore', 'ignore', 'ignore', 'pipe', rootFd, ...('fd' in socket ? [socket.fd] : [])],
  });
  const ready = child.stdio[FDS.ready] as Readable;
  return new Promise((resolve, reject) => {
    let words = '';
    child.once('error', reject);
    ready.setEncoding('utf8').on('data', (text: string) => {
      words += text;
      if (words.endsWith(READY)) finish();
    });
    ready.once('close', () => finish());
    const finish = (): void => {
      for (const line of words.split('\n')) if (line !== '' && `${line}\n` !== READY) say(line);
      child.unref();
      ready.destroy();
      resolve();
    };
  });
}

/** The daemon's own main function. */
export function proxyDaemonMain(argument: string | undefined): void {
  const given = JSON.parse(argument ?? '') as ProxySettings;
  const settings: ProxySettings = 'fd' in given.socket ? { ...given, socket: { fd: FDS.socket } } : given;
  const log = alsoTold(syslogLog());
  const ready = (): void => {
    tell(READY);
    closeSync(FDS.ready);
    told = true;
  };
  serveOne(settings, FDS.root, log, ready).catch((error: unknown) => {
    log.error(describe(error).line);
    log.info('Done');
    process.exit(0);
  });
}

let told = false;

function tell(text: string): void {
  if (told) return;
  try {
    writeSync(FDS.ready, text);
  } catch {
    // Whoever started it is gone.
  }
}

/** Errors also reach the person who waits. */
function alsoTold(log: ProxyLog): ProxyLog {
  return {
    ...log,
    error: (line) => {
      log.error(line);
      tell(`${line}\n`);
    },
  };
}
