// SPDX-License-Identifier: MIT
// Programs that are killed while the server opens something for them: what it opened is given back.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { T } from '../../src/p9/messages.ts';
import { cannotMount } from '../helpers/cli.ts';
import { file, folder, frame, type Thing } from './fake-server.ts';
import { type Rig, rig } from './rig.ts';

const why = cannotMount();
const here = why === undefined ? {} : { skip: why };

/** The fids that are open at the server at the end, when nobody has a file open any more. */
async function leftOpen(open: ReadonlySet<number>): Promise<number[]> {
  for (let i = 0; i < 200 && open.size > 0; i++) await sleep(10);
  return [...open];
}

test('killed while its first lock of a file was on its way', here, async (t) => {
  const r = await rig(folder(1, { f: file(2, 'hello\n') }));
  t.after(() => r.close());
  const open = new Set<number>();
  let killed: Promise<unknown> | undefined;
  r.server.bend = (reply, m, thing) => {
    if (m.type === T.flush) {
      // What was asked for comes first.
      void killed?.then(() => r.server.say(frame(reply)));
      return [];
    }
    if (thing?.path !== 2) return undefined;
    if (m.type === T.clunk) open.delete(m.fid);
    if (m.type !== T.lopen) return undefined;
    open.add(m.fid);
    // The first is that of the program's own open.
    if (open.size === 1) return undefined;
    killed = kill(child.pid ?? 0).then(() => r.server.say(frame(reply)));
    return [];
  };
  const kill = async (pid: number): Promise<void> => {
    process.kill(pid, 'SIGKILL');
    await gone;
  };
  const script = 'import fcntl,sys; f = open(sys.argv[1]); fcntl.lockf(f, fcntl.LOCK_SH)';
  const child = spawn('python3', ['-c', script, join(r.dir, 'f')], { stdio: 'ignore', cwd: '/' });
  const gone = new Promise((resolve) => child.once('exit', resolve));
  await gone;
  assert.ok(killed !== undefined, 'the lock was on its way');
  await killed;
  assert.deepEqual(await leftOpen(open), []);
});

/** Milliseconds from a program's end to the look at who is being killed (interrupts.ts), give or take what the kernel needs. */
const TO_THE_LOOK_MS = [96, 97, 98, 99, 100, 101, 102];
const TRIES = 28;

async function openAndKill(r: Rig, name: string, afterMs: number): Promise<void> {
  const child = spawn('cat', [join(r.dir, name)], { stdio: 'ignore', cwd: '/' });
  const gone = new Promise((resolve) => child.once('exit', resolve));
  await new Promise<void>((asked) => {
    r.server.bend = (reply, m, thing) => {
      if (m.type === T.flush) {
        // What was asked for comes first.
        setTimeout(() => r.server.say(frame(reply)), 160);
        return [];
      }
      if (thing === undefined || thing.path < 10) return undefined;
      if (m.type === T.lopen) {
        process.kill(child.pid ?? 0, 'SIGKILL');
        setTimeout(() => r.server.say(frame(reply)), afterMs);
        asked();
        return [];
      }
      if (m.type !== T.read) return undefined;
      setTimeout(() => r.server.say(frame(reply)), 150);
      return [];
    };
  });
  await gone;
  await sleep(200);
}

test('killed when the open was granted and the bytes were yet to come', here, async (t) => {
  const names: Record<string, Thing> = {};
  for (let i = 0; i < TRIES; i++) names[`f${i}`] = file(10 + i, `${i}\n`);
  const r = await rig(folder(1, names));
  t.after(() => r.close());
  const open = new Set<number>();
  r.server.raw = (_reply, m) => {
    if (m.type === T.lopen) open.add(m.fid);
    if (m.type === T.clunk) open.delete(m.fid);
    return undefined;
  };
  await r.sh('stat *');
  for (let i = 0; i < TRIES; i++)
    await openAndKill(r, `f${i}`, TO_THE_LOOK_MS[i % TO_THE_LOOK_MS.length] as number);
  assert.deepEqual(await leftOpen(open), []);
});
