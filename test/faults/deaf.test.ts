// SPDX-License-Identifier: MIT

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { T } from '../../src/p9/messages.ts';
import { run } from '../helpers/cli.ts';
import { file, folder } from '../hostile/fake-server.ts';
import { rig } from '../hostile/rig.ts';
import { needsMount } from '../scale/ground.ts';
import { pause } from './bystander.ts';

test(
  'a server that takes requests no more: unmounting works, and whoever waited is told',
  needsMount,
  async () => {
    const files = Array.from({ length: 8 }, (_, i) => [`f${i}`, file(10 + i, 'x')] as const);
    const r = await rig(folder(1, Object.fromEntries(files)));
    try {
      let opened = 0;
      let writes = 0;
      r.server.bend = (_reply, m) => {
        if (m.type === T.lopen) opened++;
        if (m.type !== T.write || opened < files.length) return undefined;
        writes++;
        r.server.deaf = true;
        return [];
      };
      // Together more than the socket holds: the mount is in the middle of a message, and reads nothing from the kernel any more.
      const all = files.map(([name]) =>
        run(['dd', 'if=/dev/zero', `of=${r.dir}/${name}`, 'bs=1M', 'count=4000', 'conv=notrunc']),
      );
      for (let i = 0; i < 500 && writes === 0; i++) await pause(20);
      await pause(500);
      await r.unmount();
      const late = pause(10_000).then(() => ({ kind: 'still there' }));
      assert.equal((await Promise.race([r.end, late])).kind, 'unmounted');
      for (const dd of all) assert.equal((await dd).code, 1, 'told, and not killed');
    } finally {
      await r.unmount();
      await r.close();
    }
  },
);
