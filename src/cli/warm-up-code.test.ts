// SPDX-License-Identifier: MIT

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { scratch } from '../../test/helpers/places.ts';

const at = (path: string): string => JSON.stringify(new URL(path, import.meta.url).href);

/** The functions whose code V8 throws away at the end of a rehearsal that `code` makes as `warmUp`, told by V8 itself. */
function lostAtTheEnd(code: string): string[] {
  const program = `
    import { openSync } from 'node:fs';
    await import(${at('./data-plane-flags.js')});
    const { openSys } = await import(${at('../linux/index.js')});
    const sys = openSys();
    ${code}
    do %DebugPrint('a slice'); while (warmUp.step());`;
  const r = spawnSync(
    process.execPath,
    ['--allow-natives-syntax', '--trace-deopt', '--input-type=module', '-e', program],
    { encoding: 'utf8', maxBuffer: 1 << 26 },
  );
  assert.equal(r.status, 0, r.stderr);
  const last = r.stdout.split('a slice').at(-1) as string;
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
