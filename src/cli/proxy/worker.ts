// SPDX-License-Identifier: MIT

import { openSync } from 'node:fs';
import { constants } from 'node:os';
import { O_CLOEXEC, O_DIRECTORY, O_PATH } from '../../base/sys.ts';
import { endWithPipe, setNonblocking } from '../../linux/descriptors.ts';
import { socketpair } from '../../linux/net.ts';
import { openPathSys } from '../../linux/paths.ts';
import { type CapName, chroot, exitNow, ignoreSignal, keepCapabilities } from '../../linux/process.ts';
import { refuseNeedlessCalls } from '../../linux/seccomp.ts';
import { type ProxySetting, rehearseProxy, serveProxy } from '../../proxy/index.ts';
import { rehearsing } from '../data-plane-flags.ts';
import { type ProxyLog, proxyLog } from './log.ts';
import { strerror } from './strerror.ts';
import type { ProxyWorkerConfig } from './worker-config.ts';

/** What is left of root's power: to make, change and find things for anyone, and, unless it may only look, to act for others. */
function capabilities({ readOnly, devices }: ProxyWorkerConfig): CapName[] {
  if (readOnly) return ['DAC_OVERRIDE'];
  const all: CapName[] = ['CHOWN', 'DAC_OVERRIDE', 'FOWNER', 'FSETID', 'SETGID', 'SETUID'];
  return devices ? [...all, 'MKNOD'] : all;
}

/** A step that must succeed before the first request: its name as the original logs it, and a result that is ≥ 0 or -errno. */
type Step = readonly [name: string, run: () => number];

/**
 * The confined helper: gives up what it does not need, serves one QEMU, and ends. Whatever happens after the start is told in the log and ends with
 * status 0, as with the original.
 */
export function proxyWorkerMain(argument: string | undefined): void {
  const config = JSON.parse(argument ?? '') as ProxyWorkerConfig;
  const log = proxyLog(config.syslogFd, config.pid);
  try {
    serve(config, log);
  } catch (error) {
    log.error(`internal error: ${error instanceof Error ? error.message : String(error)}; please report it`);
  }
  log.info('Done');
  exitNow(0);
}

function serve(config: ProxyWorkerConfig, log: ProxyLog): void {
  const sys = openPathSys();
  const flags = O_PATH | O_DIRECTORY | O_CLOEXEC;
  const procFd = openSync('/proc/self/fd', flags);
  const fd = 'fd' in config.root ? config.root.fd : openSync(config.root.path, flags);
  const { aliveFd } = config;
  // Node's answer to this signal is a debugger's port; the thread waits in a system call and could not handle any other way.
  ignoreSignal(constants.signals.SIGUSR1);
  const steps: Step[] = [
    ['socket', () => setNonblocking(config.socketFd, false)],
    ['setgroups', () => sys.setFsIdentity(0, 0, [])],
    ...(aliveFd === undefined ? [] : [['fcntl', () => endWithPipe(aliveFd)] satisfies Step]),
    ...(config.chroot
      ? ([
          ['chdir', () => sys.fchdir(fd)],
          ['chroot', () => chroot('.')],
        ] satisfies Step[])
      : []),
    ['capset', () => keepCapabilities(capabilities(config))],
    // Identities change a thread's capabilities; a thread cannot win back what it gave up.
    ['seccomp', () => refuseNeedlessCalls(['capset'])],
  ];
  for (const [name, run] of steps) {
    const r = run();
    if (r < 0) return log.error(`${name}:${strerror(r)}`);
  }
  const setting = {
    sys,
    procFd,
    root: { fd, sealed: config.sealed },
    options: { readOnly: config.readOnly, devices: config.devices },
  };
  rehearse(setting);
  const end = serveProxy({ ...setting, socketFd: config.socketFd });
  if (!end.clean) log.error(end.why);
}

/** QEMU has connected and its guest is about to start: nobody waits yet. */
function rehearse(setting: ProxySetting): void {
  const pair: [number, number] = [-1, -1];
  if (socketpair(pair) < 0) return;
  if (pair.every((end) => setNonblocking(end, true) >= 0))
    rehearsing(() => rehearseProxy({ ...setting, pair }));
  for (const end of pair) setting.sys.close(end);
}
