// SPDX-License-Identifier: MIT

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { scratch } from '../../test/helpers/places.ts';

const at = (path: string): string => JSON.stringify(new URL(path, import.meta.url).href);

/** What V8 says of the code that it makes and throws away, from the moment on in which `program` marks it with %DebugPrint('from here'). */
function traced(program: string): string {
  const r = spawnSync(
    process.execPath,
    ['--allow-natives-syntax', '--trace-deopt', '--input-type=module', '-e', program],
    { encoding: 'utf8', maxBuffer: 1 << 26 },
  );
  assert.equal(r.status, 0, r.stderr);
  return r.stdout.split('from here').at(-1) as string;
}

const BEFORE = `
  import { openSync } from 'node:fs';
  await import(${at('./data-plane-flags.js')});
  const { openSys } = await import(${at('../linux/index.js')});
  const sys = openSys();`;

/** The functions whose code V8 throws away at the end of a rehearsal that `code` makes as `warmUp`. */
function lostAtTheEnd(code: string): string[] {
  const last = traced(`${BEFORE} ${code} do %DebugPrint('from here'); while (warmUp.step());`);
  return [...last.matchAll(/marking dependent code.*<SharedFunctionInfo ?([^>]*)>/g)].map(
    (m) => m[1] as string,
  );
}

/** What every message goes through. The rehearsal's own functions may be lost, and what V8 finds out about Node's. */
const SERVING = [
  'spin',
  'once',
  'takeIn',
  'proceed',
  'process',
  'dispatch',
  'seal',
  'flush',
  'send',
  'handle',
];
const MOUNT = [
  'onDevice',
  'begin',
  'release',
  'onReplies',
  'onReply',
  'settle',
  'settleTurn',
  'flush',
  'answer',
];

test('what was compiled in a rehearsal of serving outlives it', (t) => {
  const lost = lostAtTheEnd(`
    const { serverWarmUp } = await import(${at('./serve/warm-up.js')});
    const { DEFAULT_OPTIONS } = await import(${at('../p9-server/index.js')});
    const warmUp = serverWarmUp(sys, openSync(${JSON.stringify(scratch(t, 'rehearsed'))}, 'r'), DEFAULT_OPTIONS);`);
  assert.deepEqual(
    lost.filter((name) => SERVING.includes(name)),
    [],
  );
});

test('what was compiled in a rehearsal of a mount outlives it', () => {
  const lost = lostAtTheEnd(`
    const { mountWarmUp } = await import(${at('./mount/warm-up.js')});
    const warmUp = mountWarmUp(sys);`);
  assert.deepEqual(
    lost.filter((name) => MOUNT.includes(name)),
    [],
  );
});

/**
 * The functions whose code does not fit the first real requests: a client of the plain protocol, which has attached before the rehearsal, walks, looks, lists, reads, makes and writes, one request after the other.
 */
function lostAtFirst(dir: string): string[] {
  const said = traced(`${BEFORE}
    const { serverWarmUp } = await import(${at('./serve/warm-up.js')});
    const { Connection, Folder, DEFAULT_OPTIONS, Stats } = await import(${at('../p9-server/index.js')});
    const { GETATTR_BASIC, Requests, T, VERSION } = await import(${at('../p9-client/index.js')});
    const { Turns } = await import(${at('../base/turns.js')});
    const { SOCK_STREAM, socketpair } = await import(${at('../linux/net.js')});
    const rootFd = openSync(${JSON.stringify(dir)}, 'r');
    const pair = [-1, -1];
    socketpair(pair, SOCK_STREAM);
    const [near, far] = pair;
    const turns = new Turns(sys);
    const stats = new Stats();
    const backend = new Folder(sys, turns, rootFd, DEFAULT_OPTIONS, stats);
    new Connection({ sys, turns, readFd: far, writeFd: far, backend, stats, limits: DEFAULT_OPTIONS.limits, done() {} });
    const req = new Requests(sys.alloc(1 << 16));
    const replies = sys.alloc(1 << 17);
    const ask = (what, ...args) => {
      req.end = 0;
      req[what](...args);
      sys.send(near, req.mem, 0, req.end);
      turns.turnOnce(0);
      const n = sys.recv(near, replies, 0, replies.size);
      if (n < 7 || replies.u8[4] === 7) throw new Error(what + ': ' + n + ', ' + replies.dv.getUint32(7, true));
    };
    ask('version', 65536, VERSION);
    ask('attach', 0, 0, '', '', process.getuid());
    const warmUp = serverWarmUp(sys, rootFd, DEFAULT_OPTIONS);
    while (warmUp.step());
    // What is being compiled on other threads comes to its end.
    await new Promise((r) => setTimeout(r, 500));
    %DebugPrint('from here');
    const data = new Uint8Array(100);
    for (let i = 0; i < 100; i++) {
      ask('walk', 0, 0, 1, ['folder', 'inside']);
      ask('getattr', 0, 1, GETATTR_BASIC);
      ask('lopen', 0, 1, 0);
      ask('read', T.read, 0, 1, 0, 0, 4096);
      ask('clunk', 0, 1);
      ask('walk', 0, 0, 1, []);
      ask('lopen', 0, 1, 0);
      ask('read', T.readdir, 0, 1, 0, 0, 4096);
      ask('clunk', 0, 1);
      ask('walk', 0, 0, 1, []);
      ask('lcreate', 0, 1, 'made' + i, 0o301, 0o644, 0);
      ask('write', 0, 1, 0, 0, data);
      ask('clunk', 0, 1);
    }`);
  return [...said.matchAll(/\[bailout.* deoptimizing \S+ <JSFunction ?(\S*) /g)].map((m) => m[1] as string);
}

test('what was compiled in a rehearsal of serving fits the first real requests', (t) => {
  const dir = scratch(t, 'rehearsed');
  mkdirSync(join(dir, 'folder'));
  writeFileSync(join(dir, 'folder/inside'), 'x');
  assert.deepEqual(lostAtFirst(dir), []);
});
