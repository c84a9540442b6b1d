// SPDX-License-Identifier: MIT
// A file that was only read is given back to the server with what is sent next, ahead of what may mind that it is open.

import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { T } from '../../src/p9/messages.ts';
import { Between } from '../helpers/between.ts';
import { cannotMount } from '../helpers/cli.ts';
import { scratch } from '../helpers/places.ts';
import { type Mounted, mountOn } from '../hostile/rig.ts';

const reason = cannotMount() ?? (process.geteuid?.() === 0 ? undefined : 'mounts as root only');
const here = reason === undefined ? {} : { skip: reason };
const FILES = 40;

interface Sent {
  readonly type: number;
  readonly fid: number;
}

/** Fids that were opened and not given back. */
function openAfter(sent: readonly Sent[]): number[] {
  const fids = new Set<number>();
  for (const { type, fid } of sent) {
    if (type === T.lopen) fids.add(fid);
    if (type === T.clunk) fids.delete(fid);
  }
  return [...fids];
}

interface Heard extends Mounted {
  /** Messages of these kinds, as they were sent. */
  readonly sent: readonly Sent[];
}

async function ground(t: TestContext): Promise<Heard> {
  const share = join(scratch(t, 'clunk'), 'share');
  mkdirSync(share);
  // Too large to be opened ahead of whoever reads them.
  for (let i = 0; i < FILES; i++) writeFileSync(join(share, `f${i}`), Buffer.alloc(200_000, 1));
  const between = new Between(share);
  const sent: Sent[] = [];
  between.onRequest = (type, m) => {
    if (type === T.lopen || type === T.clunk || type === T.unlinkat)
      sent.push({ type, fid: m.readUInt32LE(7) });
    return undefined;
  };
  const m = await mountOn(between.fd);
  t.after(async () => {
    await m.close();
    await between.end();
  });
  return { ...m, sent };
}

test('it is given back a moment later, though nothing else is asked', here, async (t) => {
  const g = await ground(t);
  assert.equal((await g.sh('cat f1 > /dev/null')).err, '');
  assert.ok(g.sent.some(({ type }) => type === T.lopen));
  for (const until = Date.now() + 10_000; openAfter(g.sent).length > 0 && Date.now() < until; )
    await sleep(10);
  assert.deepEqual(openAfter(g.sent), []);
});

test('few wait, and those for the next open', here, async (t) => {
  const g = await ground(t);
  assert.equal((await g.sh('cat f* > /dev/null')).err, '');
  const opens = g.sent.filter(({ type }) => type === T.lopen).length;
  assert.ok(opens >= FILES, `${opens} opens`);
  const most = Math.max(...g.sent.map((_, i) => openAfter(g.sent.slice(0, i + 1)).length));
  // The one that is read, the folder, and those that came back while the last message was made.
  assert.ok(most <= 8, `${most} at one time`);
});

test('it is given back before its name is taken away', here, async (t) => {
  const g = await ground(t);
  // In one program, which asks nothing in between.
  const script =
    "const fs = require('fs'); for (const f of ['f0', 'f1', 'f2']) { fs.readFileSync(f); fs.unlinkSync(f); }";
  assert.equal((await g.sh(`${process.execPath} -e "${script}"`)).err, '');
  for (const [i, { type }] of g.sent.entries())
    if (type === T.unlinkat) assert.deepEqual(openAfter(g.sent.slice(0, i)), []);
  assert.equal(g.sent.filter(({ type }) => type === T.unlinkat).length, 3);
});
