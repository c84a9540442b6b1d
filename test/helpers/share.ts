// SPDX-License-Identifier: MIT

import assert from 'node:assert/strict';
import { closeSync, mkdtempSync, openSync, rmSync } from 'node:fs';
import { Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { O_DIRECTORY, type Sys } from '../../src/base/sys.ts';
import type { WarmUp } from '../../src/base/warm-up.ts';
import { openSys } from '../../src/linux/index.ts';
import { socketpair } from '../../src/linux/net.ts';
import { unblockedSocket } from '../../src/linux/unblocked.ts';
import {
  DEFAULT_OPTIONS,
  type ServeEnd,
  type ServerOptions,
  serveConnection,
} from '../../src/p9-server/index.ts';
import { Raw9p } from './raw9p.ts';

/** A folder served in this process, and a raw client of it that has said nothing yet. */
export interface Share {
  readonly client: Raw9p;
  /** How the connection ended; everything but the client is closed then. */
  readonly ended: Promise<ServeEnd>;
}

/** `sys`: what the server calls instead of the real thing. */
export function serveFolder(
  dir: string,
  how: { options?: Partial<ServerOptions>; sys?: Sys; warmUp?: WarmUp } = {},
): Share {
  const pair: [number, number] = [-1, -1];
  assert.equal(socketpair(pair), 0);
  const rootFd = openSync(dir, O_DIRECTORY);
  const served = serveConnection({
    sys: how.sys ?? openSys(),
    readFd: pair[0],
    writeFd: pair[0],
    sendsFiles: unblockedSocket(pair[0]) !== undefined,
    rootFd,
    options: { ...DEFAULT_OPTIONS, ...how.options },
    ...(how.warmUp === undefined ? {} : { warmUp: how.warmUp }),
  });
  const ended = served.finally(() => {
    closeSync(pair[0]);
    closeSync(rootFd);
  });
  return { client: new Raw9p(new Socket({ fd: pair[1] })), ended };
}

/** The same for as long as `body` runs, with a client that has attached. Fails when the connection does not end as it should. */
export async function withFolder(
  dir: string,
  how: { options?: Partial<ServerOptions>; sys?: Sys },
  body: (c: Raw9p) => Promise<void>,
): Promise<void> {
  const { client, ended } = serveFolder(dir, how);
  try {
    await client.attach();
    await body(client);
  } finally {
    client.close();
    const end = await ended;
    assert.equal(end.clean, true, end.why);
  }
}

/** The same of a fresh folder. */
export async function withShare(
  options: Partial<ServerOptions>,
  body: (c: Raw9p, dir: string) => Promise<void>,
  sys: Sys = openSys(),
): Promise<void> {
  const dir = mkdtempSync(join(tmpdir(), 'nf-server-'));
  try {
    await withFolder(dir, { options, sys }, (c) => body(c, dir));
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}
