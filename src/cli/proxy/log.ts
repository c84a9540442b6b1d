// SPDX-License-Identifier: MIT

import { openSys } from '../../linux/index.ts';
import { LOG_CRIT, LOG_INFO, openSyslog, syslogDatagram } from '../../linux/syslog.ts';
import { say } from '../report.ts';
import { PROGRAM } from './options.ts';

/** Where lines go: stderr of a foreground helper, else the machine's log. */
export interface ProxyLog {
  /** Of the machine's log; undefined: stderr. */
  readonly syslogFd: number | undefined;
  /** Whose process id the lines carry. */
  readonly pid: number;
  info(line: string): void;
  error(line: string): void;
}

/** `syslogFd`: an open connection to the log, -1 when the machine has none, so that nothing can be told; undefined for stderr. */
export function proxyLog(syslogFd: number | undefined, pid: number): ProxyLog {
  const write = (level: number, line: string): void => {
    if (syslogFd === undefined) return say(line);
    if (syslogFd < 0) return;
    const datagram = syslogDatagram(level, PROGRAM, pid, line, new Date());
    openSys().send(syslogFd, datagram, 0, datagram.size);
  };
  return { syslogFd, pid, info: (line) => write(LOG_INFO, line), error: (line) => write(LOG_CRIT, line) };
}

export const stderrLog = (): ProxyLog => proxyLog(undefined, process.pid);
export const syslogLog = (): ProxyLog => proxyLog(Math.max(-1, openSyslog()), process.pid);
