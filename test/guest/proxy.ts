// SPDX-License-Identifier: MIT

import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, existsSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Meter } from '../../bench/common/cpu.ts';
import { socketpair } from '../../src/linux/net.ts';
import { program } from '../helpers/places.ts';
import { GUEST_FDS, type Job, runInGuest } from './boot.ts';

/** Debian's, of QEMU before 9.2 (package qemu-system-common). */
export const ORIGINAL = '/usr/lib/qemu/virtfs-proxy-helper';

export type HelperName = 'ours' | 'original';
/** How QEMU reaches its helper: a socket file, or a descriptor as libvirt hands it over. */
export type Way = 'socket' | 'sock_fd';

export interface ProxyRun {
  readonly helper: HelperName;
  readonly way: Way;
  /** The exported folder. */
  readonly path: string;
  /** A folder for the socket file. */
  readonly scratch: string;
  /** Further arguments of the helper. */
  readonly args?: readonly string[];
  /** What runs in the guest, with the export mounted at MOUNTPOINT. */
  readonly job: Job;
  /** Options of the mount. */
  readonly options?: string;
}

export interface ProxyResult {
  /** The guest's. */
  readonly code: number;
  /** Of the helper, all processes, without its start: nanoseconds. */
  readonly cpuNs: number;
  /** What the helper said. */
  readonly words: string;
  /** The helper's exit status. */
  readonly ended: number | string;
}

export const MOUNTPOINT = '/run/proxy';
const DEFAULT_OPTIONS = 'cache=none,access=client,posixacl,msize=512000';
const PATIENCE_MS = 20_000;

/** Why the original cannot be had here. */
export function noOriginal(): string | undefined {
  return existsSync(ORIGINAL) ? undefined : 'needs the package qemu-system-common of a QEMU before 9.2';
}

/** Boots a guest whose QEMU speaks to a helper, mounts the export there and runs the job. Only root can. */
export async function runWithProxy(run: ProxyRun): Promise<ProxyResult> {
  const command = run.helper === 'ours' ? [process.execPath, program('virtfs-proxy-helper')] : [ORIGINAL];
  const pair: [number, number] = [-1, -1];
  const socket = join(run.scratch, `${run.helper}.sock`);
  let fsdev = `proxy,id=px,socket=${socket}`;
  if (run.way === 'sock_fd') {
    const r = socketpair(pair);
    if (r < 0) throw new Error(`no socket pair: errno ${-r}`);
    fsdev = `proxy,id=px,sock_fd=${GUEST_FDS}`;
  }
  const [file = '', ...rest] = command;
  const owner = ['-u', String(process.getuid?.()), '-g', String(process.getgid?.())];
  const at = run.way === 'socket' ? ['-s', socket, ...owner] : ['-f', '3'];
  const child = spawn(file, [...rest, '-n', '-p', run.path, ...at, ...(run.args ?? [])], {
    stdio: ['ignore', 'ignore', 'pipe', ...(run.way === 'sock_fd' ? [pair[1]] : [])],
    // A session of its own for both: ours has one in its sandbox, and the scheduler works more between sessions.
    detached: true,
  });
  let words = '';
  child.stderr?.setEncoding('utf8').on('data', (d: string) => (words += d));
  const ended = new Promise<number | string>((resolve) =>
    child.once('close', (code, signal) => resolve(signal ?? code ?? -1)),
  );
  try {
    if (run.way === 'sock_fd') closeSync(pair[1]);
    else await appears(socket, child, () => words);
    const meter = new Meter(child.pid as number);
    const { job } = run;
    const mount = `mkdir -p ${MOUNTPOINT} && mount -t 9p -o trans=virtio,version=9p2000.L,${run.options ?? DEFAULT_OPTIONS} px ${MOUNTPOINT}`;
    let started = -1;
    const code = await runInGuest({
      ...job,
      command: ['sh', '-c', `${mount} && echo mounted >&2 && exec "$@"`, 'sh', ...job.command],
      devices: ['-fsdev', fsdev, '-device', 'virtio-9p-pci,fsdev=px,mount_tag=px', ...(job.devices ?? [])],
      ...(run.way === 'sock_fd' ? { fds: [pair[0]] } : {}),
      stderr: (bytes) => {
        // The helper has started and answered by now.
        if (started < 0) started = meter.cpu();
        job.stderr(bytes);
        meter.cpu();
      },
      stdout: (bytes) => {
        job.stdout(bytes);
        // Its processes end with QEMU: the last account that is seen counts.
        meter.cpu();
      },
    });
    const cpuNs = meter.cpu() - started;
    if (run.way === 'sock_fd') closeSync(pair[0]);
    const status = await ended;
    return { code, cpuNs, words, ended: status };
  } finally {
    child.kill('SIGKILL');
  }
}

async function appears(path: string, child: ChildProcess, words: () => string): Promise<void> {
  for (let i = 0; i < PATIENCE_MS / 20 && !existsSync(path); i++) {
    if (child.exitCode !== null) break;
    await sleep(20);
  }
  if (!existsSync(path)) throw new Error(`the helper made no socket: ${words()}`);
  // The original binds the name before it listens.
  await sleep(100);
}
