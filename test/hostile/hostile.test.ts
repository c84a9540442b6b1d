// SPDX-License-Identifier: MIT
// A hostile 9P server against the mount client: whatever it answers, the operation fails with EIO (or its like), or the connection ends with one message. No program
// hangs, nothing unchecked reaches the kernel, and unmounting works.

import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { cannotMount } from '../helpers/cli.ts';
import { CASES, type Case, tree } from './cases.ts';
import { type Rig, rig } from './rig.ts';
import { TURNED } from './turned.ts';

const why = cannotMount();

async function play(t: TestContext, c: Case): Promise<void> {
  const r: Rig = await rig(tree(), c.version === undefined ? {} : { version: c.version });
  try {
    if (c.bend !== undefined) r.server.bend = c.bend;
    if (c.raw !== undefined) {
      const { raw } = c;
      let over = false;
      r.server.raw = (reply) => {
        if (over) return Buffer.alloc(0);
        const b = raw(reply);
        over = b !== undefined;
        if (over) setTimeout(() => r.server.close(), 100);
        return b;
      };
    }
    const ran = await r.sh(c.run);
    assert.notEqual(ran.code, 'SIGKILL', 'the program hung');
    assert.match(ran.out + ran.err, c.says);
    if (c.logs !== undefined) assert.match(r.log.join('\n'), c.logs);
    if (c.ends === undefined) {
      r.server.bend = undefined;
      assert.match((await r.sh('cat d/g')).out, /inner/, 'the mount still works');
    } else {
      const end = await r.end;
      assert.match('why' in end ? end.why : end.kind, c.ends);
      const after = await r.sh('cat d/g');
      assert.match(after.err, /not connected|can't cd|No such|Transport/, 'later operations fail at once');
    }
    void t;
  } finally {
    await r.close();
  }
}

for (const [name, c] of Object.entries({ ...CASES, ...TURNED })) {
  test(`hostile server: ${name}`, async (t) => {
    if (why !== undefined) return t.skip(why);
    await play(t, c);
  });
}
