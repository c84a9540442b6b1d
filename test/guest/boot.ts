// SPDX-License-Identifier: MIT

import { type ChildProcess, spawn } from 'node:child_process';
import type { Duplex } from 'node:stream';
import { emptyDisk, initramfs } from './initramfs.ts';
import { debianKernel } from './kernel.ts';

export interface Job {
  command: readonly string[];
  /** The folder to begin in, as the host names it. */
  cwd: string;
  /** Added to a bare environment (PATH, HOME, LANG). */
  env?: Readonly<Record<string, string>>;
  /** Folders below /tmp that the guest shall see in its own, empty /tmp, read-only. */
  show?: readonly string[];
  /** The whole time, boot included. */
  limitMs: number;
  /** MiB. */
  memory?: number;
  /** More of QEMU's command line: devices. */
  devices?: readonly string[];
  /** Descriptors that QEMU gets as GUEST_FDS and on. */
  fds?: readonly number[];
  stdout(bytes: Buffer): void;
  stderr(bytes: Buffer): void;
  /** Ends the guest at once. */
  signal?: AbortSignal;
}

const BARE = {
  PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
  HOME: '/root',
  LANG: 'C.UTF-8',
};
const CONSOLE_KEPT = 16_384;
/** Below are the console's and the ports'. */
export const GUEST_FDS = 6;

/**
 * Boots a Debian kernel under QEMU with the host's files (read-only for the host: an overlay takes what is written), runs one command as
 * root and gives its exit code. Rejects with the console's last lines when the guest ended without one: panic, out of time, no QEMU.
 * Nothing is left behind: QEMU ends with this process, its disk is a file without a name, and several guests may run at once.
 */
export async function runInGuest(job: Job): Promise<number> {
  const kernel = debianKernel();
  const args = [
    ...['-name', 'ninefold-guest', '-nodefaults', '-no-user-config', '-display', 'none', '-no-reboot'],
    // Emulation always works; where KVM does, NINEFOLD_GUEST_ACCEL=kvm is ten times as fast.
    ...['-accel', process.env.NINEFOLD_GUEST_ACCEL ?? 'tcg,thread=multi', '-cpu', 'max'],
    ...['-smp', '1', '-m', String(job.memory ?? 1536), '-nic', 'none'],
    ...['-kernel', kernel.vmlinuz, '-initrd', initramfs(kernel)],
    ...['-append', 'console=ttyS0 loglevel=4 panic=-1 reboot=t mitigations=off random.trust_cpu=on'],
    ...['-serial', 'chardev:console', '-chardev', 'stdio,id=console,signal=off'],
    ...['-virtfs', 'local,path=/,mount_tag=root,security_model=none,readonly=on,multidevs=remap'],
    ...['-drive', `file=${emptyDisk()},format=raw,if=virtio,snapshot=on,cache=unsafe`],
    ...['-device', 'virtio-serial'],
    ...['out', 'err', 'control'].flatMap((name, i) => [
      ...['-chardev', `socket,id=${name},fd=${i + 3}`],
      ...['-device', `virtserialport,chardev=${name},name=${name}`],
    ]),
    ...(job.devices ?? []),
  ];
  // setpriv(1): should this process be killed, the kernel ends QEMU.
  const qemu = spawn('setpriv', ['--pdeathsig', 'KILL', 'qemu-system-x86_64', ...args], {
    stdio: ['ignore', 'pipe', 'pipe', 'pipe', 'pipe', 'pipe', ...(job.fds ?? [])],
    ...(job.signal ? { signal: job.signal, killSignal: 'SIGKILL' } : {}),
  });
  return attend(qemu, job);
}

async function attend(qemu: ChildProcess, job: Job): Promise<number> {
  const [, console, complaints, out, err, control] = qemu.stdio as (Duplex | undefined)[];
  let words = '';
  const keep = (d: Buffer): void => {
    words = (words + d.toString('latin1')).slice(-CONSOLE_KEPT);
  };
  console?.on('data', keep);
  complaints?.on('data', keep);
  out?.on('data', job.stdout);
  err?.on('data', job.stderr);
  let answer = '';
  control?.on('data', (d: Buffer) => (answer += d.toString()));
  // A guest that ended has closed its ports; what we still write to them is lost, and its end is reported below.
  for (const port of [out, err, control]) port?.on('error', () => undefined);
  control?.write(`${Buffer.from(script(job)).toString('base64')}\n`);
  let late = false;
  const timer = setTimeout(() => {
    late = true;
    qemu.kill('SIGKILL');
  }, job.limitMs);
  const ended = await new Promise<string>((resolve, reject) => {
    qemu.once('error', reject);
    qemu.once('close', (code, signal) => resolve(`QEMU ended with ${signal ?? code}`));
  }).finally(() => clearTimeout(timer));
  const code = /^(\d+)\n/.exec(answer)?.[1];
  if (code !== undefined) return Number(code);
  const why = late ? `not done after ${job.limitMs / 1000} s` : ended;
  throw new Error(
    `the guest: ${why}. Its console's last words:\n${words.trim().split('\n').slice(-25).join('\n')}`,
  );
}

/** What the guest's shell runs. */
function script(job: Job): string {
  const lines = (job.show ?? [])
    .filter((d) => d.startsWith('/tmp/'))
    .flatMap((d) => [`mkdir -p ${quoted(d)}`, `mount --bind ${quoted(`/run/guest/lower${d}`)} ${quoted(d)}`]);
  const env = Object.entries({ ...BARE, ...job.env }).map(([k, v]) => quoted(`${k}=${v}`));
  return [
    ...lines,
    `cd ${quoted(job.cwd)} || exit 126`,
    `exec /usr/bin/env -i ${env.join(' ')} ${job.command.map(quoted).join(' ')}`,
    '',
  ].join('\n');
}

function quoted(word: string): string {
  return `'${word.replaceAll("'", `'\\''`)}'`;
}
