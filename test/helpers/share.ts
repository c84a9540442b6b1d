// SPDX-License-Identifier: MIT

import assert from 'node:assert/strict';
import { closeSync, mkdtempSync, openSync, rmSync } from 'node:fs';
import { Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { O_DIRECTORY, type Sys } from '../../src/base/sys.ts';
import { openSys } from '../../src/linux/index.ts';
import { socketpair } from '../../src/linux/net.ts';
import { DEFAULT_OPTIONS, type ServerOptions, serveConnection } from '../../src/p9-server/index.ts';
import { Raw9p } from './raw9p.ts';

/** A share of a fresh folder, served in this process, and a raw client of it that has attached. `sys`: what the server calls instead of the real thing. */
export async function withShare(
  options: Partial<ServerOptions>,
  body: (c: Raw9p, dir: string) => Promise<void>,
  sys: Sys = openSys(),
): Promise<void> {
  const dir = mkdtempSync(join(tmpdir(), 'nf-server-'));
  const pair: [number, number] = [-1, -1];
  assert.equal(socketpair(pair), 0);
  const rootFd = openSync(dir, O_DIRECTORY);
  const client = new Raw9p(new Socket({ fd: pair[1] }));
  const served = serveConnection({
    sys,
    readFd: pair[0],
    writeFd: pair[0],
    rootFd,
    options: { ...DEFAULT_OPTIONS, ...options },
  });
  try {
    await client.attach();
    await body(client, dir);
  } finally {
    client.close();
    const end = await served;
    assert.equal(end.clean, true, end.why);
    closeSync(pair[0]);
    closeSync(rootFd);
    rmSync(dir, { recursive: true, force: true });
  }
}
