// SPDX-License-Identifier: MIT
// A screen of 400 × 600 points at 200 %: nothing is cut at the side, and the buttons are on it.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { ask, desktopOfFile, needsDesktop, question } from './dialog.ts';

const WIDTH = 800;
const HEIGHT = 1200;
const desktop = await desktopOfFile(`${WIDTH}x${HEIGHT}`);

for (const [language, title] of [
  ['en', 'Folder access'],
  ['es', 'Acceso a una carpeta'],
] as const)
  test(
    `at 200 %, ${language}: the window is no wider and no higher than the screen`,
    needsDesktop,
    async (t) => {
      const d = desktop();
      const long = 'a-machine-with-a-name-of-thirty1';
      const asked = question({
        source: long.slice(0, 31),
        target: `b${long.slice(1, 31)}`,
        lasts: ['once'],
        folder: '/home/user/docs',
      });
      const dialog = await ask(t, d, asked, { GDK_SCALE: '2', LANGUAGE: language }, title);
      const id = await d.windowOf(title);
      // A window may come to the front before it has its size.
      const side = (name: string): number =>
        Number(new RegExp(`${name}=([0-9]+)`).exec(d.xdotool('getwindowgeometry', '--shell', id))?.[1]);
      for (let i = 0; i < 100 && side('WIDTH') <= 400; i++) await sleep(50);
      const width = side('WIDTH');
      const height = side('HEIGHT');
      assert.ok(width > 400 && width <= WIDTH, `${width} wide`);
      assert.ok(height > 400 && height <= HEIGHT, `${height} high`);
      d.xdotool('key', 'Escape');
      assert.deepEqual(await dialog.answer(), { version: 1, answer: 'deny' });
    },
  );
