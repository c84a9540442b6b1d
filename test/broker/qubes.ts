// SPDX-License-Identifier: MIT
// dom0 and two qubes as folders and scripts, with the services of this build, called as qrexec calls them.
import { spawn } from 'node:child_process';
import { chmodSync, copyFileSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { encodeText } from '../../src/policy/base64.ts';
import { fingerprint } from '../../src/policy/fingerprint.ts';
import type { Ran } from '../helpers/cli.ts';
import { program, TOP } from '../helpers/places.ts';
import { sha256 } from './ground.ts';
import { NODE, type World, world } from './world.ts';

/** The stand-in for `qrexec-client-vm`. */
export const client = fileURLToPath(new URL('./qrexec-client-vm.js', import.meta.url));
const ADMIN = ['ruddo.AuthorizeFolderAccess', 'ruddo.QueryFolderAuthorization', 'ninefold.FolderSession'];

/** Makes an executable file for bash. */
export function script(path: string, text: string): void {
  writeFileSync(path, `#!/bin/bash\n${text}\n`);
  chmodSync(path, 0o755);
}

/** Our services in dom0. */
export function ourAdmin(w: World): void {
  for (const name of ADMIN) script(w.path(`rpc/dom0/${name}`), `exec ${NODE} ${program('ruddo')} ${name}`);
}

/** dom0 and the qubes `work` (who asks) and `vault` (whose folder it is), all of this build. */
export function qubes(t: Parameters<typeof world>[0], ask: (w: World) => string): World {
  const w = world(t);
  for (const dir of ['policy.d', 'rpc/dom0', 'rpc/vault', 'rpc/work', 'bin'])
    mkdirSync(w.path(dir), { recursive: true });
  copyFileSync(
    join(TOP, 'packaging/qubes/dom0/80-qubes-shared-folders.policy'),
    w.path('policy.d/80-qubes-shared-folders.policy'),
  );
  copyFileSync(
    join(TOP, 'packaging/qubes/dom0/79-qubes-shared-folders.policy'),
    w.path('policy.d/79-qubes-shared-folders.policy'),
  );
  ourAdmin(w);
  script(w.path('rpc/vault/ruddo.ConnectToFolder'), `exec ${NODE} ${program('ruddo')} ruddo.ConnectToFolder`);
  script(w.path('bin/qrexec-client-vm'), `exec ${NODE} ${client} "$@"`);
  script(w.path('bin/qvm-ls'), `printf 'dom0|AdminVM\\nwork|AppVM\\nvault|AppVM\\nodd|DispVM\\n'`);
  Object.assign(w.env, {
    QREXEC_WORLD: w.dir,
    QREXEC_SELF: 'work',
    NINEFOLD_QREXEC_CLIENT: w.path('bin/qrexec-client-vm'),
    NINEFOLD_QREXEC_POLICY_DIR: w.path('policy.d'),
    NINEFOLD_QVM_LS: w.path('bin/qvm-ls'),
    NINEFOLD_ASK: ask(w),
    NINEFOLD_PATIENCE: '20',
  });
  return w;
}

/** A call as a client makes it: everything in, closed, everything out. */
export function call(
  w: World,
  target: string,
  service: string,
  input: string,
  env: object = {},
): Promise<Ran> {
  return new Promise((resolve) => {
    const child = spawn(NODE, [client, target, service], {
      env: { ...process.env, ...w.env, ...env },
      stdio: 'pipe',
    });
    let stdout = '';
    let stderr = '';
    child.stdout.setEncoding('utf8').on('data', (d: string) => (stdout += d));
    child.stderr.setEncoding('utf8').on('data', (d: string) => (stderr += d));
    child.stdin.on('error', () => {});
    child.stdin.end(input);
    child.once('close', (code) => resolve({ code: code ?? -1, stdout, stderr }));
  });
}

/** What a client of the original sends. */
export const lines = (folder: string, target = 'vault'): string =>
  `${encodeText(target)}\n${encodeText(folder)}\n`;
/** The fingerprint of a grant to read and write. */
export const print = (folder: string): string =>
  fingerprint(sha256, { source: 'work', target: 'vault', folder }, 'rw');
