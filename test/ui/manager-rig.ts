// SPDX-License-Identifier: MIT
// The manager's windows on a desktop of their own, beside a broker of the tests.

import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { cannotMount, leftovers, type Running, start } from '../helpers/cli.ts';
import { TOP } from '../helpers/places.ts';
import { cannotShow, Desktop, type Seen } from './desktop.ts';

const noWindow = cannotShow();
export const needsWindow = noWindow === undefined ? {} : { skip: noWindow };
const noMount = cannotMount() ?? noWindow;
export const needsBoth = noMount === undefined ? {} : { skip: noMount };

/** One desktop for a test file; ended after its last test, with nothing left behind. */
export async function fileDesktop(): Promise<Desktop | undefined> {
  if (noWindow !== undefined) return undefined;
  const desktop = await Desktop.start();
  after(async () => {
    await desktop.end();
    assert.deepEqual(await leftovers(desktop.dir), [], 'nothing is left running');
  });
  return desktop;
}

/** A list may be drawn anew between the look and the press, and a dialog be guarded: then once more, for some seconds. */
export async function pressSoon(
  desktop: Desktop,
  pid: number,
  name: string,
  role = 'push button',
): Promise<void> {
  for (let i = 0; ; i++)
    try {
      return await desktop.press(pid, role, name);
    } catch (error) {
      if (i === 20) throw error;
      await sleep(100);
    }
}

/** A window of ours that runs. */
export class Shown {
  readonly running: Running;
  readonly pid: number;
  readonly #desktop: Desktop;

  constructor(desktop: Desktop, running: Running) {
    this.#desktop = desktop;
    this.running = running;
    this.pid = running.child.pid ?? 0;
  }

  button(name: string): Promise<Seen> {
    return this.thing('push button', name);
  }

  thing(role: string, name: string): Promise<Seen> {
    return this.#desktop.find(this.pid, (s) => s.role === role && s.name === name, `${role} "${name}"`);
  }

  label(words: string | RegExp): Promise<Seen> {
    const fits = (name: string): boolean => (typeof words === 'string' ? name === words : words.test(name));
    return this.#desktop.find(this.pid, (s) => s.role === 'label' && fits(s.name), `the words "${words}"`);
  }

  /** Waits until it can be pressed. */
  ready(name: string, role = 'push button'): Promise<Seen> {
    const fits = (s: Seen): boolean => s.role === role && s.name === name && s.states.includes('sensitive');
    return this.#desktop.find(this.pid, fits, `${role} "${name}", to be pressed`);
  }

  async press(name: string, role = 'push button'): Promise<void> {
    await this.ready(name, role);
    return pressSoon(this.#desktop, this.pid, name, role);
  }

  /** Waits until nothing of that name is there. */
  async gone(name: string): Promise<void> {
    for (const until = performance.now() + 20_000; performance.now() < until; await sleep(50)) {
      const tree = await this.#desktop.tree(this.pid);
      if (tree.length > 0 && !tree.some((s) => s.name === name)) return;
    }
    throw new Error(`"${name}" is still there`);
  }

  async end(): Promise<void> {
    this.running.child.kill('SIGTERM');
    await this.running.ended;
  }
}

/** Runs a program of bin/, or a bundle of dist/ui/, on the desktop with what a broker of the tests has in its environment. */
export function show(
  desktop: Desktop,
  argv: readonly string[],
  env: Readonly<Record<string, string>>,
): Shown {
  const { HOME: _home, DISPLAY: _display, WAYLAND_DISPLAY: _wayland, ...more } = env;
  const whole = { NINEFOLD_NODE: process.execPath, ...more, ...desktop.env };
  return new Shown(desktop, start(argv, { env: whole, patience: 180_000 }));
}

export const MANAGER = join(TOP, 'bin/qvm-folder-share-manager');
