// SPDX-License-Identifier: MIT
// `ninefold notices` against a daemon for notifications and a panel of the test's own.
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { answers, world } from '../broker/world.ts';
import { nodeProgram } from '../helpers/cli.ts';
import { OUT } from '../helpers/places.ts';
import type { Desktop } from './desktop.ts';
import { fileDesktop, needsBoth, show } from './manager-rig.ts';

const shared = await fileDesktop();

interface Told {
  readonly ready?: boolean;
  readonly notify?: { number: number; replaces: number; summary: string; body: string; actions: string[] };
  readonly entry?: { service: string; title: string; icon: string };
  readonly gone?: string;
}

class Panel {
  readonly told: Told[] = [];
  /** It has a place for entries too. */
  readonly entries: boolean;
  readonly #child: ChildProcess;

  constructor(desktop: Desktop, ...args: string[]) {
    this.entries = args.includes('panel');
    const program = join(OUT, 'test/ui/gjs/panel.js');
    this.#child = spawn('gjs', ['-m', program, ...args], {
      stdio: ['pipe', 'pipe', 'inherit'],
      env: { ...process.env, ...desktop.env },
    });
    if (this.#child.stdout !== null)
      createInterface({ input: this.#child.stdout }).on('line', (line) =>
        this.told.push(JSON.parse(line) as Told),
      );
  }

  order(order: object): void {
    this.#child.stdin?.write(`${JSON.stringify(order)}\n`);
  }

  async wait<T>(what: string, pick: (told: Told) => T | undefined): Promise<T> {
    for (const until = performance.now() + 20_000; performance.now() < until; await sleep(20))
      for (const told of this.told) {
        const picked = pick(told);
        if (picked !== undefined) return picked;
      }
    throw new Error(`${what} did not come; there is ${JSON.stringify(this.told)}`);
  }

  async end(): Promise<void> {
    const ended = new Promise((resolve) => this.#child.once('exit', resolve));
    this.#child.stdin?.end();
    await ended;
  }
}

/** By its key, which a window that has only just come may not hear; until its process is gone. */
async function closeWindow(desktop: Desktop, title: string): Promise<void> {
  const pid = Number(desktop.xdotool('getwindowpid', await desktop.windowOf(title, true)));
  for (let i = 0; i < 40; i++) {
    try {
      process.kill(pid, 0);
    } catch {
      return;
    }
    desktop.xdotool('key', 'ctrl+w');
    await sleep(500);
  }
  throw new Error(`${title} cannot be closed`);
}

async function notices(t: TestContext, desktop: Desktop, panel: Panel): Promise<void> {
  const w = world(t);
  await w.broker(answers(w.dir, { answer: 'allow', lasts: 'always' }));
  await panel.wait('the panel', (told) => told.ready);
  const program = show(desktop, nodeProgram('ninefold', 'notices'), w.env);
  try {
    await program.running.says(/watching/);
    const second = show(desktop, nodeProgram('ninefold', 'notices'), w.env);
    assert.equal((await second.running.ended).code, 0, 'one is enough');

    const mounting = performance.now();
    assert.equal((await w.ninefold('mount', `box:${w.share}`, w.mnt, '--read-only')).code, 0);
    const began = await panel.wait('the notification', (told) => told.notify);
    t.diagnostic(`told ${(performance.now() - mounting).toFixed(0)} ms after the mount was begun`);
    assert.equal(began.summary, 'host has mounted a folder of box');
    assert.equal(began.body, `${w.share}\nread only`);
    assert.deepEqual(began.actions, ['default', 'Open the manager', 'open', 'Open the manager']);

    if (panel.entries) {
      const entry = await panel.wait('the entry', (told) => told.entry);
      assert.deepEqual([entry.title, entry.icon], ['One folder is shared', 'ninefold']);
    }
    panel.order({ invoke: began.number });
    await closeWindow(desktop, 'Folder share manager');

    await w.ninefold('unmount', w.mnt);
    const ended = await panel.wait('the second notification', (told) =>
      told.notify !== undefined && told.notify !== began ? told.notify : undefined,
    );
    assert.equal(ended.summary, 'host has let go of a folder of box');
    assert.equal(ended.replaces, began.number, 'it takes the place of the first');
    if (panel.entries) await panel.wait('the end of the entry', (told) => told.gone);
  } finally {
    await program.end();
  }
}

test(
  'a mount is told of when it begins and when it ends, the panel has an entry meanwhile, and either leads to the manager',
  needsBoth,
  async (t) => {
    assert.ok(shared !== undefined);
    const panel = new Panel(shared, 'panel');
    try {
      await notices(t, shared, panel);
    } finally {
      await panel.end();
    }
  },
);

test('without a panel there is no entry, and the notifications come all the same', needsBoth, async (t) => {
  assert.ok(shared !== undefined);
  const panel = new Panel(shared);
  try {
    await notices(t, shared, panel);
    assert.ok(panel.told.every((told) => told.entry === undefined));
  } finally {
    await panel.end();
  }
});
