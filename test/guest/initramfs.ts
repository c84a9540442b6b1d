// SPDX-License-Identifier: MIT

import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { cpio, type Member } from './cpio.ts';
import { FIRST, MODULES, SECOND } from './init.ts';
import { busybox, cacheFolder, type GuestKernel } from './kernel.ts';
import { modulesInOrder } from './modules.ts';

const FOLDER = 0o040755;
const PROGRAM = 0o100755;
const FILE = 0o100644;
const DISK_BYTES = 8 * 2 ** 30;

/** The path of the first root of a guest with `kernel`, made when the scripts, the kernel or busybox changed. */
export function initramfs(kernel: GuestKernel): string {
  const bb = busybox();
  if (bb === undefined) throw new Error('needs the package busybox-static');
  const program = readFileSync(bb);
  const hash = createHash('sha256').update(FIRST).update(SECOND).update(MODULES.join()).update(program);
  const path = join(cacheFolder(), `initramfs-${kernel.version}-${hash.digest('hex').slice(0, 16)}`);
  return once(path, (file) => {
    const modules = modulesInOrder(kernel.modules, MODULES);
    const members: Member[] = [
      ...['bin', 'modules'].map((name) => ({ name, mode: FOLDER })),
      { name: 'bin/busybox', mode: PROGRAM, content: program },
      { name: 'init', mode: PROGRAM, content: Buffer.from(FIRST) },
      { name: 'second', mode: FILE, content: Buffer.from(SECOND) },
      { name: 'modules/order', mode: FILE, content: Buffer.from(modules.map((m) => `${m.name}\n`).join('')) },
      ...modules.map((m) => ({ name: `modules/${m.name}.ko`, mode: FILE, content: m.content })),
    ];
    writeFileSync(file, cpio(members));
  });
}

/** An empty ext4 of 8 GiB in a sparse file, which QEMU only reads: each guest writes into a nameless copy of its own. */
export function emptyDisk(): string {
  return once(join(cacheFolder(), 'empty.ext4'), (file) => {
    const options = ['-q', '-F', '-O', '^has_journal,ea_inode', '-E', 'lazy_itable_init=1', '-m', '0'];
    const done = spawnSync('mke2fs', ['-t', 'ext4', ...options, file, `${DISK_BYTES / 1024}k`], {
      encoding: 'utf8',
      env: { ...process.env, PATH: `${process.env.PATH}:/usr/sbin:/sbin` },
    });
    if (done.error) throw done.error;
    if (done.status !== 0) throw new Error(`mke2fs ended with ${done.status}: ${done.stderr.trim()}`);
  });
}

/** `path`, made by `make` under another name and then renamed, so that nobody sees half of it. */
function once(path: string, make: (file: string) => void): string {
  if (existsSync(path)) return path;
  mkdirSync(dirname(path), { recursive: true });
  const work = mkdtempSync(join(dirname(path), 'make-'));
  try {
    make(join(work, 'file'));
    renameSync(join(work, 'file'), path);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
  return path;
}
