// SPDX-License-Identifier: MIT

import assert from 'node:assert/strict';
import { appendFileSync, chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { scratch } from '../helpers/places.ts';
import { Known, nextStep } from './generate.ts';
import { Player } from './player.ts';
import { Rng } from './rng.ts';
import { NO_QUIRKS } from './steps.ts';

/** Two local folders: one plays the target. */
function arena(t: TestContext): { player: Player; there: string } {
  const dir = scratch(t, 'player');
  for (const name of ['model', 'there']) mkdirSync(join(dir, name));
  const places = { roots: [join(dir, 'there')], model: join(dir, 'model'), share: undefined };
  return { player: new Player(places, 'run', NO_QUIRKS), there: join(dir, 'there/run') };
}

test('two local folders never differ, and the same seed makes the same steps', (t) => {
  const runs = [0, 1].map(() => {
    const { player } = arena(t);
    const [rng, known] = [new Rng(11), new Known()];
    const steps: string[] = [];
    for (let i = 0; i < 400; i++) {
      const step = nextStep(rng, known, NO_QUIRKS, 0);
      steps.push(JSON.stringify(step));
      if (step.do === 'remount') continue;
      assert.equal(player.do(step, known), undefined, JSON.stringify(step));
    }
    assert.equal(player.compare(), undefined);
    player.closeAll();
    return steps;
  });
  assert.deepEqual(runs[0], runs[1]);
  assert.ok(new Set(runs[0]?.map((s) => JSON.parse(s).do)).size > 15);
});

test('what is different is found: a byte, a mode, a name, a result', (t) => {
  const changes: ((there: string) => void)[] = [
    (there) => writeFileSync(join(there, 'a/f'), 'abd'),
    (there) => appendFileSync(join(there, 'a/f'), 'x'),
    (there) => chmodSync(join(there, 'a'), 0o700),
    (there) => writeFileSync(join(there, 'a/extra'), ''),
  ];
  for (const change of changes) {
    const { player, there } = arena(t);
    assert.equal(player.do({ do: 'mkdir', path: 'a', mode: 0o755 }), undefined);
    assert.equal(player.do({ do: 'open', h: 1, path: 'a/f', flags: 0o101, mode: 0o644 }), undefined);
    assert.equal(player.do({ do: 'pwrite', h: 1, at: 0, size: 3, seed: 5 }), undefined);
    assert.equal(player.compare(), undefined);
    change(there);
    assert.match(player.compare() ?? '', /local: .*\n?there: |there: /);
    player.closeAll();
  }
  const { player, there } = arena(t);
  mkdirSync(join(there, 'x'));
  assert.match(player.do({ do: 'mkdir', path: 'x', mode: 0o755 }) ?? '', /local: ok\nthere: EEXIST/);
});
