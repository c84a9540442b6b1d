// SPDX-License-Identifier: MIT

import { spawn } from 'node:child_process';
import { userInfo } from 'node:os';
import { EXIT, type ExitCode, NinefoldError, printable } from '../../base/error.ts';
import type { MountSettings } from '../mount/options.ts';
import { checkMountPoint } from '../mount/point.ts';
import { print } from '../print.ts';
import type { Obtained } from './obtain.ts';
import type { Wanted } from './refusals.ts';

/**
 * Mounts by the kernel's own 9P client (`--client kernel`), as the original does: through mount(8), by sudo where this is not root. Nothing of the other side goes into the options. Then the kernel's
 * parser reads what the server sends; the FUSE client is the default because it keeps that away. Throws NinefoldError KERNEL_CLIENT (exit 71, 77).
 */
export async function kernelMount(
  wanted: Wanted,
  channel: Obtained,
  given: string,
  settings: MountSettings,
): Promise<ExitCode> {
  const point = await checkMountPoint(given);
  const { uid, gid, username } = userInfo();
  const options = [
    'trans=fd,rfdno=0,wfdno=1,version=9p2000.L,access=any',
    `dfltuid=${settings.uid ?? uid},dfltgid=${settings.gid ?? gid}`,
    ...(/^[a-z_][a-z0-9_-]*$/.test(username) ? [`uname=${username}`] : []),
    ...(settings.msize === undefined ? [] : [`msize=${settings.msize}`]),
    settings.readOnly ? 'ro' : 'rw',
    ...(settings.nosuid ? ['nosuid'] : []),
    ...(settings.nodev ? ['nodev'] : []),
    ...(settings.noexec ? ['noexec'] : []),
    ...(settings.noatime ? ['noatime'] : []),
  ].join(',');
  const source = `qvm://${wanted.machine}${wanted.folder}`;
  const mount = ['mount', '-t', '9p', '-o', options, '--', source, point.path];
  const [program = '', ...args] = uid === 0 ? mount : ['sudo', '-n', ...mount];
  const { status, words } = await run(program, args, channel);
  if (status === 0) {
    print(`${printable(`${wanted.machine}:${wanted.folder}`)} is mounted on ${printable(point.path)}\n`);
    return EXIT.ok;
  }
  const absent = /unknown filesystem|No such device/i.test(words) || status === undefined;
  throw new NinefoldError({
    code: 'KERNEL_CLIENT',
    exit: absent ? EXIT.osMissing : EXIT.noPermission,
    what: 'cannot mount by the kernel’s client on',
    on: printable(point.path),
    why: printable(words),
    remedy: absent
      ? 'load its module (modprobe 9p), or use --client fuse'
      : 'run it as root, or use --client fuse',
  });
}

function run(
  program: string,
  args: readonly string[],
  channel: Obtained,
): Promise<{ status: number | undefined; words: string }> {
  return new Promise((resolve) => {
    const child = spawn(program, [...args], { stdio: [channel.readFd, channel.writeFd, 'pipe'] });
    let words = '';
    child.stderr?.setEncoding('utf8').on('data', (part: string) => {
      words = (words + part).slice(-4096);
    });
    child.once('error', (error) => resolve({ status: undefined, words: error.message }));
    child.once('close', (status) =>
      resolve({ status: status ?? 1, words: words.trim().split('\n').at(0) ?? 'it was killed' }),
    );
  });
}
