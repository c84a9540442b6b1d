// SPDX-License-Identifier: MIT
// What tests of system calls need: a temporary folder, C strings, and open files that are closed again.

import { spawnSync } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import type { Mem } from '../../src/base/mem.ts';
import { StatBuf } from '../../src/base/stat.ts';
import { AT_FDCWD, O_DIRECTORY, O_PATH } from '../../src/base/sys.ts';
import { openSys } from '../../src/linux/index.ts';

export const sys = openSys();

/** A NUL-terminated string for the kernel. */
export function cstr(text: string): Mem {
  const mem = sys.alloc(Buffer.byteLength(text) + 1);
  mem.cstring(text);
  return mem;
}

export function text(mem: Mem, off: number, len: number): string {
  return Buffer.from(mem.u8.subarray(off, off + len)).toString();
}

export function statBuf(): StatBuf {
  return new StatBuf(sys.alloc(256));
}

export interface Scratch {
  /** Absolute, mode 0755. */
  dir: string;
  /** An O_PATH descriptor of it. */
  fd: number;
  /** `openat` below it; fails the test when it fails; closed at the end. */
  open(name: string, flags: number, mode?: number): number;
  path(name: string): string;
}

/** A temporary folder that the test's end removes, with all descriptors opened through it. */
export function scratch(t: TestContext): Scratch {
  const dir = mkdtempSync(join(tmpdir(), 'ninefold-'));
  chmodSync(dir, 0o755);
  const fds: number[] = [];
  const keep = (fd: number): number => {
    if (fd < 0) throw new Error(`open: errno ${-fd}`);
    fds.push(fd);
    return fd;
  };
  const fd = keep(sys.openat(AT_FDCWD, cstr(dir), O_PATH | O_DIRECTORY, 0));
  t.after(() => {
    for (const f of fds) sys.close(f);
    rmSync(dir, { recursive: true, force: true });
  });
  return {
    dir,
    fd,
    open: (name, flags, mode = 0o600) => keep(sys.openat(fd, cstr(name), flags, mode)),
    path: (name) => join(dir, name),
  };
}

/**
 * Runs a module's text in a Node of its own and returns what it prints, as JSON: for calls that change a whole process. `import(modules + 'x.js')`
 * reaches src/linux/. Throws with its stderr when it fails. `as`: another user, for root only; `via`: a command to start it through.
 */
export function inChild(
  code: string,
  options: { as?: { uid: number; gid: number }; via?: string[]; env?: Record<string, string> } = {},
): unknown {
  const modules = new URL('../../src/linux/', import.meta.url).href;
  const { as, via = [], env = {} } = options;
  const [program = '', ...args] = [
    ...via,
    process.execPath,
    '--input-type=module',
    '-e',
    `const modules = ${JSON.stringify(modules)};\n${code}`,
  ];
  const child = spawnSync(program, args, { encoding: 'utf8', timeout: 20_000, env, cwd: '/', ...as });
  if (child.status !== 0) throw new Error(`status ${child.status ?? child.signal}: ${child.stderr}`);
  return JSON.parse(child.stdout);
}

export const NOBODY = { uid: 65534, gid: 65534 };
