// SPDX-License-Identifier: MIT
// The mount's process killed while threads of its own list folders through the mount: whoever uses the mount is told, nobody waits for ever, and it can be unmounted.

import assert from 'node:assert/strict';
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, readlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { nodeProgram } from '../helpers/cli.ts';
import { createRandom, seedOf } from '../helpers/random.ts';
import { type Ground, needsMount, quickPlace, sides, withGround } from '../scale/ground.ts';
import { pause, unmountWhatIsThere } from './bystander.ts';
import { mountBy } from './kills.ts';

const TRIALS = Number(process.env.NINEFOLD_KILLS ?? 12);
const FOLDERS = 600;
const FILES = 12;
/** Far longer than the kernel takes to fail whoever waits; a process that is stuck stays so for ever. Milliseconds. */
const PATIENCE_MS = 10_000;

/** Looks every file up by its path, sixteen at a time, again and again until it is told that the mount is gone (0); 9: nobody told it. Says when it begins. */
const LOOK = `
import os, sys, time
from concurrent.futures import ThreadPoolExecutor
def look(d):
    for f in range(${FILES}): os.lstat('%s/d%d/f%d' % (sys.argv[1], d, f))
print('begins', flush=True)
with ThreadPoolExecutor(16) as pool:
    end = time.time() + ${PATIENCE_MS / 1000}
    try:
        while time.time() < end:
            for _ in pool.map(look, range(${FOLDERS})): pass
    except OSError as e: sys.exit(0 if e.errno in (5, 103, 107) else e.errno)
sys.exit(9)
`;

function fill(share: string): void {
  for (let d = 0; d < FOLDERS; d++) {
    mkdirSync(join(share, `d${d}`));
    for (let f = 0; f < FILES; f++) writeFileSync(join(share, `d${d}/f${f}`), '');
  }
}

const endsWithin = (child: ChildProcess, ms: number): Promise<boolean> =>
  Promise.race([new Promise<true>((r) => child.once('exit', () => r(true))), pause(ms).then(() => false)]);

/** The threads of `pid` that have not ended; a process whose parent has not asked for its end yet has one that has. */
function threadsLeft(pid: number): string[] {
  const of = <T>(look: () => T, gone: T): T => {
    try {
      return look();
    } catch {
      return gone;
    }
  };
  return of(() => readdirSync(`/proc/${pid}/task`), []).filter((id) =>
    of(() => !/^State:\s*[ZX]/m.test(readFileSync(`/proc/${pid}/task/${id}/status`, 'latin1')), false),
  );
}

async function goneWithin(pid: number, ms: number): Promise<boolean> {
  for (const end = Date.now() + ms; threadsLeft(pid).length > 0; await pause(20))
    if (Date.now() > end) return false;
  return true;
}

/** Threads of `pid` that have /dev/fuse open. */
function holders(pid: number): string[] {
  return readdirSync(`/proc/${pid}/task`).filter((id) =>
    readdirSync(`/proc/${pid}/task/${id}/fd`).some((fd) => {
      try {
        return readlinkSync(`/proc/${pid}/task/${id}/fd/${fd}`) === '/dev/fuse';
      } catch {
        return false;
      }
    }),
  );
}

const mountHere = (g: Ground): Promise<void> =>
  mountBy(g, nodeProgram('qfsd', '0', '1', g.share, '--sandbox', process.env.NINEFOLD_SANDBOX ?? 'none'));

test('only the thread that answers the kernel holds the device', needsMount, async () => {
  await withGround('holders', tmpdir(), async (g) => {
    await mountHere(g);
    const { mount } = await sides(g);
    assert.ok(readdirSync(`/proc/${mount}/task`).length > 4, 'there are other threads');
    assert.deepEqual(holders(mount), [String(mount)]);
    await unmountWhatIsThere(g);
  });
});

test(`killed while it lists folders itself, ${TRIALS} times`, needsMount, async (t) => {
  const seed = seedOf();
  t.diagnostic(`NINEFOLD_SEED=${seed}`);
  const random = createRandom(seed);
  for (let i = 0; i < TRIALS; i++)
    await withGround('kill-listing', quickPlace(), async (g) => {
      fill(g.share);
      await mountHere(g);
      const { mount } = await sides(g);
      const program = spawn('python3', ['-c', LOOK, g.mnt], { stdio: ['ignore', 'pipe', 'inherit'] });
      try {
        const told = endsWithin(program, PATIENCE_MS);
        await Promise.race([told, new Promise((resolve) => program.stdout.once('data', resolve))]);
        await pause(10 + random(60));
        process.kill(mount, 'SIGKILL');
        assert.ok(await told, 'the program was told');
        assert.ok(await goneWithin(mount, PATIENCE_MS), 'the process is gone');
      } finally {
        // Ends the connection, and so everybody who waits, where it did not end.
        if (threadsLeft(mount).length > 0) spawnSync('umount', ['-f', g.mnt]);
        program.kill('SIGKILL');
      }
      assert.equal(program.exitCode, 0);
      await unmountWhatIsThere(g);
    });
});
