// SPDX-License-Identifier: MIT

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { tmpdir } from 'node:os';
import { type Ground, mountShare, unmountShare, withGround } from '../scale/ground.ts';
import { beside } from './ground.ts';

/** Milliseconds that the one who works in the other share works alone, before and after. */
const ALONE_MS = 200;

/**
 * Runs `work` while someone works in another share on another mount; rejects when anything went wrong there, and when a process or a mount was left of either.
 */
export async function besideAnother(work: () => Promise<void>): Promise<void> {
  await withGround('bystander', tmpdir(), async (g) => {
    await mountShare(g, { program: 'qfsd' });
    const [command = '', ...args] = beside('prober', g.mnt);
    const child = spawn(command, args, { stdio: ['pipe', 'pipe', 'inherit'], cwd: '/' });
    let said = '';
    child.stdout.on('data', (d: Buffer) => (said += d.toString()));
    const ended = new Promise((resolve) => child.once('close', resolve));
    try {
      await pause(ALONE_MS);
      await work();
      await pause(ALONE_MS);
    } finally {
      child.stdin.end();
      const timer = setTimeout(() => child.kill('SIGKILL'), 10_000);
      await ended;
      clearTimeout(timer);
    }
    const { rounds, errors } = JSON.parse(said) as { rounds: number; errors: string[] };
    assert.deepEqual(errors, [], 'another share was disturbed');
    assert.ok(rounds > 3, 'the other share was worked in');
    await unmountShare(g);
  });
}

export const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** Unmounts what may be mounted yet, dead or not: it must always go. */
export async function unmountWhatIsThere(g: Ground): Promise<void> {
  const listed = await g.list();
  if (listed.length > 0) await unmountShare(g);
}
