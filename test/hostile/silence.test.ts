// SPDX-License-Identifier: MIT
// A server that says nothing, says it slowly, or goes away: no program is stuck, and unmounting works.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { T } from '../../src/p9/messages.ts';
import { cannotMount } from '../helpers/cli.ts';
import { file, folder, frame, type Thing } from './fake-server.ts';
import { type Rig, rig } from './rig.ts';

const why = cannotMount();

function tree(): Thing {
  return folder(1, { f: file(2, 'hello\n'), d: folder(3, { g: file(4, 'inner\n') }) });
}

function withRig(name: string, body: (r: Rig) => Promise<void>, version?: string): void {
  test(`server: ${name}`, async (t) => {
    if (why !== undefined) return t.skip(why);
    const r = await rig(tree(), version === undefined ? {} : { version });
    try {
      await body(r);
    } finally {
      await r.close();
    }
  });
}

withRig('a program that waits for a silent one can be killed, and the mount goes on', async (r) => {
  let asked = false;
  r.server.bend = (_reply, m) => {
    if (m.type === T.read) asked = true;
    return m.type === T.read ? [] : undefined;
  };
  const ran = await r.sh('timeout --foreground -s KILL 0.5 cat f; echo ended $?');
  assert.ok(asked);
  assert.match(ran.out, /ended 137/);
  // (The page of `f` that was asked for stays locked until its answer comes: whoever wants it waits for it, and can be killed too.)
  r.server.bend = undefined;
  assert.match((await r.sh('cat d/g')).out, /inner/);
});

withRig('a program that waits for a name can be killed too', async (r) => {
  let asked = false;
  // Not of the root, to which the shell itself goes.
  r.server.bend = (_reply, _m, thing) => {
    if (thing?.path !== 3) return undefined;
    asked = true;
    return [];
  };
  // No page is waited for here, which the kernel itself lets be killed: only our answer ends it.
  const ran = await r.sh('timeout --foreground -s KILL 0.5 stat d/none; echo ended $?');
  assert.ok(asked);
  assert.match(ran.out, /ended 137/);
});

withRig('a signal that does not kill does not end a read', async (r) => {
  r.server.bend = (reply, m) => {
    if (m.type !== T.read) return undefined;
    setTimeout(() => r.server.say(frame(reply)), 700);
    return [];
  };
  const script =
    'import signal,os; signal.signal(signal.SIGALRM, lambda *a: None); signal.setitimer(signal.ITIMER_REAL, 0.1, 0.1); fd=os.open("f",0); print(os.read(fd,100))';
  const ran = await r.sh(`python3 -c '${script}'`);
  assert.match(ran.out, /hello/);
});

withRig('unmounting works while programs wait for a silent one', async (r) => {
  r.server.bend = () => [];
  const waits = r.sh('cat f', 5000);
  await sleep(200);
  await r.unmount();
  const end = await r.end;
  assert.equal(end.kind, 'unmounted');
  await waits;
});

withRig('it goes away: who waits gets an error at once, and so do later calls', async (r) => {
  r.server.bend = (_reply, m) => (m.type === T.read ? [] : undefined);
  const waits = r.sh('cat f', 5000);
  await sleep(200);
  const since = performance.now();
  r.server.close();
  const ran = await waits;
  assert.ok(performance.now() - since < 2000);
  assert.match(ran.err, /not connected|Input\/output|Transport/);
  assert.equal((await r.end).kind, 'disconnected');
  assert.match((await r.sh('ls')).err, /not connected|can't cd|Transport/);
});

withRig('it says one byte at a time', async (r) => {
  r.server.raw = (reply) => {
    const all = frame(reply);
    r.server.drip(all);
    return Buffer.alloc(0);
  };
  assert.match((await r.sh('cat f d/g; ls')).out, /hello\ninner\n[\s\S]*d\nf/);
});

withRig(
  'step by step: it knows no more than 9P2000.L',
  async (r) => {
    assert.match(
      (await r.sh('cat f d/g; ls; stat -c %s f; stat -f -c %l .')).out,
      /hello\ninner\nd\nf\n6\n255/,
    );
  },
  '9P2000.L',
);
