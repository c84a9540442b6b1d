// SPDX-License-Identifier: MIT

import { chmodSync, chownSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { probe } from './caps.ts';
import type { Caps } from './case.ts';
import { NOBODY } from './run.ts';

export interface Target {
  dir: string;
  caps: Caps;
  close(): Promise<void>;
}

/** `local`: a folder of the system's temporary one. A path: that folder. */
export async function openTarget(name: string, asUser: boolean): Promise<Target> {
  const asRoot = process.geteuid?.() === 0 && !asUser;
  if (name === 'local') {
    const dir = mkdtempSync(join(tmpdir(), 'ninefold-local-'));
    chmodSync(dir, 0o755);
    if (asUser) chownSync(dir, NOBODY, NOBODY);
    return {
      dir,
      caps: probe(dir, asRoot),
      close: async () => rmSync(dir, { recursive: true, force: true }),
    };
  }
  return { dir: name, caps: probe(name, asRoot), close: async () => undefined };
}
