// SPDX-License-Identifier: MIT
// `npm run screenshots [WORD…]`: the pictures of docs/screenshots/, each from the real program on a display of its own. Those whose name contains a word, or all.

import { spawn, spawnSync } from 'node:child_process';
import { mkdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { TOP } from '../helpers/places.ts';
import { cannotShow, Desktop } from './desktop.ts';
import { SHOTS, type Shot } from './shots.ts';

const TO = join(TOP, 'docs/screenshots');
/** Until the guard is open and everything is drawn. Milliseconds. */
const SETTLED_MS = 1800;

async function take(shot: Shot): Promise<void> {
  const desktop = await Desktop.start(shot.size);
  try {
    for (const [path, text] of Object.entries(shot.files ?? {})) {
      mkdirSync(join(desktop.dir, 'home', path, '..'), { recursive: true });
      writeFileSync(join(desktop.dir, 'home', path), text);
    }
    const home = join(desktop.dir, 'home');
    await shot.prepare?.(home);
    const env = Object.fromEntries(
      Object.entries(shot.env ?? {}).map(([name, value]) => [name, value.replace('{home}', home)]),
    );
    const child = spawn(join(TOP, 'bin', shot.program), shot.args ?? [], {
      stdio: ['pipe', 'ignore', 'inherit'],
      env: { ...process.env, ...desktop.env, ...env },
    });
    const ended = new Promise((resolve) => child.once('close', resolve));
    child.stdin.end(shot.input ?? '');
    let window = await desktop.windowOf(shot.title);
    if (shot.waits !== undefined)
      await desktop.find(child.pid ?? 0, (seen) => seen.name === shot.waits, `"${shot.waits}"`);
    await sleep(SETTLED_MS);
    await shot.act?.(desktop, child.pid ?? 0);
    if (shot.shows !== undefined) {
      window = await desktop.windowOf(shot.shows);
      await sleep(SETTLED_MS);
    }
    const to = join(TO, `${shot.name}.png`);
    desktop.screenshot(to, window);
    // A few colours are enough for a window, and a third of the bytes.
    spawnSync('convert', [
      to,
      '-strip',
      '+dither',
      '-colors',
      '96',
      '-define',
      'png:compression-level=9',
      `PNG8:${to}`,
    ]);
    console.log(`${shot.name}.png: ${statSync(to).size} bytes`);
    child.kill('SIGKILL');
    await ended;
  } finally {
    await desktop.end();
  }
}

const reason = cannotShow();
if (reason !== undefined) {
  console.error(`screenshots: no window can be shown here: ${reason}`);
  process.exit(1);
}
mkdirSync(TO, { recursive: true });
const words = process.argv.slice(2);
for (const shot of SHOTS)
  if (words.length === 0 || words.some((w) => shot.name.includes(w))) await take(shot);
