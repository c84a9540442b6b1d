// SPDX-License-Identifier: MIT
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Cleanup } from '../common/cleanup.ts';
import { makeFolder } from './fixture.ts';
import { launch } from './launch.ts';
import { DIOD, OURS } from './peers.ts';
import { SERVER_ROWS } from './rows.ts';
import { Refused } from './wire.ts';

/** Operations per unit of `count`, where it is not one. */
const PER_COUNT: Readonly<Record<string, number>> = { create: 4, walk: 2, 'stat-files': 3, readdir: 2002 };

for (const peer of [OURS, DIOD])
  test(`every row runs on ${peer.name} and counts what was answered`, async (t) => {
    if (peer.command('/', 0) === undefined) return t.skip(`needs ${peer.missing}`);
    if (peer === DIOD && process.geteuid?.() !== 0) return t.skip('needs root, to attach as root');
    const cleanup = new Cleanup();
    t.after(() => cleanup.run());
    const server = await launch(peer, makeFolder('memory', cleanup), cleanup);
    assert.ok(server.startMs > 0);
    for (const row of SERVER_ROWS) {
      const count = row.key === 'readdir' ? 2 : 70;
      const prepared = row.prepare(server.session, count);
      if (peer === DIOD && row.key === 'unlinkat') assert.throws(() => prepared.run(), Refused);
      else assert.equal(prepared.run(), count * (PER_COUNT[row.key] ?? 1), row.title);
      prepared.after?.();
    }
    assert.ok(server.meter.cpu() > 0 && server.meter.peak() > 0);
    await server.end();
  });
