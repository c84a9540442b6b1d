// SPDX-License-Identifier: MIT

import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A Debian kernel, unpacked: nothing is installed. */
export interface GuestKernel {
  /** As in `linux-image-VERSION`. */
  version: string;
  vmlinuz: string;
  /** `/lib/modules/VERSION/kernel` of the package. */
  modules: string;
}

/** What lies outside the repository and is made again when it is missing: kernels, initramfs, the empty disk. */
export function cacheFolder(): string {
  const base = process.env.XDG_CACHE_HOME ?? (process.env.HOME ? join(process.env.HOME, '.cache') : tmpdir());
  return join(base, 'ninefold', 'guest');
}

/** Why no guest can be started here; undefined when it can. */
export function noGuest(): string | undefined {
  if (process.arch !== 'x64') return `guests are made of amd64 kernels, and this is ${process.arch}`;
  if (!onPath('qemu-system-x86_64')) return 'needs the package qemu-system-x86';
  if (busybox() === undefined) return 'needs the package busybox-static';
  if (!onPath('apt-get')) return 'takes its kernel from Debian, and there is no apt-get here';
  return undefined;
}

export function busybox(): string | undefined {
  return ['/usr/bin/busybox', '/bin/busybox'].find((p) => existsSync(p));
}

/** True if `debianKernel` has nothing to fetch. */
export function kernelIsThere(): boolean {
  return unpacked() !== undefined;
}

/**
 * Debian's newest kernel of this system's release, fetched and unpacked once (70 MB over the network, about 10 s). Two processes may
 * ask at once: each unpacks into a folder of its own and the first rename wins.
 */
export function debianKernel(): GuestKernel {
  const name = packageName();
  const version = name.slice('linux-image-'.length);
  const folder = join(cacheFolder(), name);
  const kernel: GuestKernel = {
    version,
    vmlinuz: join(folder, `vmlinuz-${version}`),
    modules: join(folder, 'kernel'),
  };
  if (existsSync(kernel.vmlinuz)) return kernel;
  mkdirSync(cacheFolder(), { recursive: true });
  const work = mkdtempSync(join(cacheFolder(), 'unpack-'));
  try {
    must('apt-get', ['-qq', '-o', 'APT::Sandbox::User=root', 'download', name], work);
    const deb = readdirSync(work).find((f) => f.endsWith('.deb'));
    if (deb === undefined) throw new Error(`apt-get download ${name} brought no file`);
    // Debian 13's packages have merged /usr; both layouts end in the same two places.
    must('dpkg-deb', ['-x', deb, 'tree'], work);
    const lib = ['lib', 'usr/lib'].map((d) => join(work, 'tree', d, 'modules', version, 'kernel'));
    const modules = lib.find((d) => existsSync(d));
    if (modules === undefined) throw new Error(`${deb} has no modules for ${version}`);
    const ready = join(work, 'ready');
    mkdirSync(ready);
    renameSync(modules, join(ready, 'kernel'));
    renameSync(join(work, 'tree/boot', `vmlinuz-${version}`), join(ready, `vmlinuz-${version}`));
    try {
      renameSync(ready, folder);
    } catch (error) {
      if (!existsSync(kernel.vmlinuz)) throw error;
    }
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
  return kernel;
}

/** The package that was unpacked last, else the one that `linux-image-amd64` stands for now: remove the cache folder to have a newer one. */
function packageName(): string {
  const before = unpacked();
  if (before !== undefined) return before;
  const told = spawnSync('apt-cache', ['depends', 'linux-image-amd64'], { encoding: 'utf8' });
  const name = /Depends: (linux-image-[\w.+-]+)/.exec(told.stdout ?? '')?.[1];
  if (name === undefined)
    throw new Error('apt-cache does not know linux-image-amd64: run `apt-get update` first');
  return name;
}

function unpacked(): string | undefined {
  if (!existsSync(cacheFolder())) return undefined;
  return readdirSync(cacheFolder())
    .filter((f) => f.startsWith('linux-image-'))
    .sort()
    .at(-1);
}

function must(command: string, args: readonly string[], cwd: string): void {
  const done = spawnSync(command, args, { cwd, encoding: 'utf8' });
  if (done.error) throw done.error;
  if (done.status !== 0)
    throw new Error(`${command} ${args.join(' ')} ended with ${done.status}: ${done.stderr.trim()}`);
}

function onPath(name: string): boolean {
  return (process.env.PATH ?? '/usr/bin:/bin').split(':').some((d) => existsSync(join(d, name)));
}
