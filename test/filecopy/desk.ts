// SPDX-License-Identifier: MIT
// A person's home, an "application" that is a script of the test's, and what joins the two sides of Open-in-VM.

import assert from 'node:assert/strict';
import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { leftovers, nodeProgram, type Ran, run } from '../helpers/cli.ts';
import { OUT, program, scratch } from '../helpers/places.ts';

const CLIENT = join(OUT, 'test/filecopy/client.js');

export interface Desk {
  top: string;
  dir: string;
  env: Record<string, string>;
  /** A file of the person's. */
  file(name: string, text: string): string;
  open(args: readonly string[], env?: Record<string, string>): Promise<Ran>;
}

/** A source of `ninefold open` that leads to our editor. */
export const EDITOR = `exec:QREXEC_REMOTE_DOMAIN=source exec '${process.execPath}' '${program('vm-file-editor')}'`;

/** `app`: a shell script that gets the file as $1. */
export function desk(t: { after(fn: () => void): void }, app: string): Desk {
  const top = scratch(t, 'open');
  const dir = join(top, 'home');
  mkdirSync(dir);
  const executable = (name: string, text: string): string => {
    writeFileSync(join(top, name), `#!/bin/sh\n${text}\n`, { mode: 0o755 });
    return join(top, name);
  };
  const env = {
    NINEFOLD_QREXEC_CLIENT: executable('client', `exec '${process.execPath}' '${CLIENT}' "$@"`),
    NINEFOLD_TEST_SERVICE_qubes_OpenInVM: JSON.stringify(nodeProgram('vm-file-editor')),
    NINEFOLD_TEST_SERVICE_qubes_OpenURL: JSON.stringify(['/bin/sh', '-c', `cat > '${join(top, 'url')}'`]),
    NINEFOLD_OPENER: executable('app', `echo "$1" > '${join(top, 'opened')}'\n${app}`),
    HOME_OF_TEST: dir,
  };
  return {
    top,
    dir,
    env,
    file(name, text) {
      writeFileSync(join(dir, name), text);
      chmodSync(join(dir, name), 0o640);
      return join(dir, name);
    },
    open: (args, more = {}) => run([...nodeProgram('qvm-open-in-vm'), ...args], { env: { ...env, ...more } }),
  };
}

/** The folder of the opened file is gone, and nothing runs on. */
export async function nothingLeft(d: Desk): Promise<void> {
  const opened = readFileSync(join(d.top, 'opened'), 'utf8').trim();
  assert.match(opened, /^\/[t]mp\/source-[A-Za-z0-9]{6}\//);
  assert.ok(!existsSync(opened.replace(/\/[^/]*$/, '')), `${opened} is still there`);
  assert.deepEqual(await leftovers(d.top), []);
}
