// SPDX-License-Identifier: MIT

import assert from 'node:assert/strict';
import { closeSync, lstatSync, mkdirSync, openSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { scratch } from '../../test/helpers/places.ts';
import { O_DIRECTORY, O_PATH, type Sys } from '../base/sys.ts';
import type { WarmUp } from '../base/warm-up.ts';
import { setNonblocking } from '../linux/descriptors.ts';
import { openSys } from '../linux/index.ts';
import { socketpair } from '../linux/net.ts';
import { T } from '../p9/messages.ts';
import { attachSession } from '../p9-client/index.ts';
import { DEFAULT_OPTIONS } from '../p9-server/index.ts';
import { mountWarmUp } from './mount/warm-up.ts';
import { serverWarmUp } from './serve/warm-up.ts';

const sys = openSys();
const descriptors = (): number => readdirSync('/proc/self/fd').length;

function pair(t: TestContext): [number, number] {
  const fds: [number, number] = [-1, -1];
  assert.equal(socketpair(fds), 0);
  t.after(() => {
    for (const fd of fds) sys.close(fd);
  });
  for (const fd of fds) setNonblocking(fd, true);
  return fds;
}

test('a mount is rehearsed while its server is waited for, for its time, and leaves no descriptor', async (t) => {
  const [fd] = pair(t);
  const before = descriptors();
  const warmUp = mountWarmUp(sys) as WarmUp;
  assert.equal(descriptors(), before + 4);
  let steps = 0;
  let over = 0;
  const silent = attachSession(sys, {
    readFd: fd,
    writeFd: fd,
    peer: 'nobody',
    timeoutMs: 4000,
    meanwhile: () => {
      steps++;
      const more = warmUp.step();
      if (!more) over++;
      return more;
    },
  });
  await assert.rejects(silent, { code: 'P9_SILENT' });
  // 500 ms in slices of 4 ms; then it sleeps between looks.
  assert.ok(steps - over > 1 && steps - over <= 126, `${steps - over} slices`);
  assert.ok(over > 1 && over < 1000, `${over} looks after that`);
  assert.equal(descriptors(), before);
});

test("serving is rehearsed by looks alone, in the server's own name, and leaves nothing open", (t) => {
  const dir = join(scratch(t, 'rehearsed'), 'share');
  mkdirSync(join(dir, 'folder'), { recursive: true });
  for (let i = 0; i < 50; i++) writeFileSync(join(dir, `file${i}`), 'x');
  const rootFd = openSync(dir, O_PATH | O_DIRECTORY);
  t.after(() => closeSync(rootFd));
  const state = (): unknown => {
    const of = (path: string): unknown => {
      const { mtimeNs, ctimeNs, size } = lstatSync(path, { bigint: true });
      return { path, mtimeNs, ctimeNs, size };
    };
    return [of(dir), ...readdirSync(dir).map((name) => of(join(dir, name)))];
  };
  const before = { state: state(), open: descriptors() };
  const identities: unknown[] = [];
  const watched: Sys = {
    ...sys,
    setFsIdentity: (...who) => {
      identities.push(who);
      return sys.setFsIdentity(...who);
    },
  };
  const squash = { uid: 65534, gid: 65534, groups: [] };
  assert.equal(serverWarmUp(watched, rootFd, { ...DEFAULT_OPTIONS, squash }), undefined);
  const warmUp = serverWarmUp(watched, rootFd, DEFAULT_OPTIONS) as WarmUp;
  const since = performance.now();
  let steps = 0;
  while (warmUp.step() && performance.now() - since < 60_000) steps++;
  // 250 ms in slices of 4 ms.
  assert.ok(steps > 1 && steps <= 63, `${steps} slices`);
  assert.deepEqual({ state: state(), open: descriptors() }, before);
  assert.deepEqual(identities, []);
});

test('a share whose client may ask nothing is rehearsed as far as it may', (t) => {
  const dir = scratch(t, 'denied');
  const rootFd = openSync(dir, O_PATH | O_DIRECTORY);
  t.after(() => closeSync(rootFd));
  const deny = new Set([T.walk, T.lopen, T.readdir, T.getattr]);
  const warmUp = serverWarmUp(sys, rootFd, { ...DEFAULT_OPTIONS, deny }) as WarmUp;
  const before = descriptors();
  const since = performance.now();
  while (warmUp.step() && performance.now() - since < 60_000);
  assert.equal(descriptors(), before - 2);
});
