// SPDX-License-Identifier: MIT

import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { kernelIsThere, noGuest } from '../guest/kernel.ts';
import { PLACES, type Place, runPlace } from './places.ts';
import type { Outcome } from './run.ts';

const skip =
  noGuest() ??
  (process.env.CI || kernelIsThere()
    ? false
    : 'no guest kernel yet: `node dist/test/guest/main.js -- true` fetches it');

test('a batch of cases on v9fs in a guest, which goes on where another ended', { skip }, async (t) => {
  const dir = mkdtempSync(join(tmpdir(), 'ninefold-places-'));
  t.after(() => rmSync(dir, { recursive: true }));
  const file = join(dir, 'outcomes.jsonl');
  const batch = async (before: readonly Outcome[]): Promise<Outcome[]> => {
    writeFileSync(file, before.map((o) => `${JSON.stringify(o)}\n`).join(''));
    const found: Outcome[] = [];
    let said = '';
    await runPlace(PLACES.find((p) => p.id === 'v9fs-none') as Place, {
      only: '^create',
      skip: file,
      count: 2,
      limitMs: 240_000,
      report: (o) => found.push(o),
      words: (b) => (said += b.toString()),
    });
    assert.equal(found.length, 2, said);
    return found;
  };
  const first = await batch([]);
  const second = await batch(first);
  assert.equal(new Set([...first, ...second].map((o) => o.name)).size, 4);
  for (const o of [...first, ...second]) assert.equal(o.status, 'passed', o.name);
});
