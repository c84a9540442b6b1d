// SPDX-License-Identifier: MIT
// Files that had another name when somebody opened them: the folder that they are seen in tells nothing of what is done by the other name, even when it is gone.

import assert from 'node:assert/strict';
import { closeSync, existsSync, linkSync, mkdirSync, openSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { cannotMount } from '../helpers/cli.ts';
import { another, eightFolders, PAST_THE_KERNEL_MS, type Pair, pair } from './pair.ts';

const reason = cannotMount() ?? (process.geteuid?.() === 0 ? undefined : 'mounts as root only');
const here = reason === undefined ? {} : { skip: reason };

/** Every folder is remembered and watched, and the kernel has forgotten what it knew itself. */
async function remember(p: Pair): Promise<void> {
  await p.walk();
  await sleep(PAST_THE_KERNEL_MS);
  await p.walk();
  await sleep(PAST_THE_KERNEL_MS);
}

for (const [what, change, after] of [
  ['longer', "os.write(w, b'more\\n')", 'd1/f1\nold\nmore\n'],
  ['shorter', 'os.ftruncate(w, 0)', ''],
] as const)
  for (const [which, before] of [
    ['', ''],
    [', and is open here', "held = os.open('d2/two', os.O_RDONLY); "],
  ] as const)
    test(
      `an open sees a file ${what} that was changed by a name that it has no more${which}`,
      here,
      async (t) => {
        const p = await pair(t, eightFolders);
        const fd = openSync(join(p.share, 'd1/f1'), 'r+');
        t.after(async () => closeSync(fd));
        linkSync(join(p.share, 'd1/f1'), join(p.share, 'd2/two'));
        rmSync(join(p.share, 'd1/f1'));
        await remember(p);
        const { fromCache } = p.stats;
        // No watch tells of the change, so the lookup is answered from what is remembered.
        const r = await p.sh(`python3 -c "
import mmap, os, time
${before}w = os.open('/proc/${process.pid}/fd/${fd}', os.O_WRONLY | os.O_APPEND); ${change}
fd = os.open('d2/two', os.O_RDWR); size = os.fstat(fd).st_size
print([size, (mmap.mmap(fd, 0)[:] if size else b'').decode(), os.read(fd, 100).decode(), os.stat('d2/two').st_size])
# Nor is what was remembered told once more when the kernel has forgotten.
time.sleep(1.2); print([os.stat('d2/two').st_size, os.fstat(fd).st_size, os.pread(fd, 100, 0).decode()])
"`);
        assert.ok(p.stats.fromCache > fromCache, 'the file was asked for anew');
        const [n, text] = [after.length, JSON.stringify(after).replaceAll('"', "'")];
        assert.deepEqual([r.err, r.out], ['', `[${n}, ${text}, ${text}, ${n}]\n[${n}, ${n}, ${text}]\n`]);
      },
    );

for (const [what, hold] of [
  ['worked with', ''],
  ['still holds open', 'exec 3< d1/f1; '],
] as const)
  test(
    `what one mount writes by a name is told of there, also of a file that it ${what} by another`,
    here,
    async (t) => {
      const p = await pair(t, eightFolders);
      const writer = await another(t, p.share);
      const wrote = writer.sh(
        `chmod 600 d1/f1; ${hold}ln d1/f1 d2/two; rm d1/f1; until [ -e ${p.share}/go ]; do sleep 0.1; done; echo more >> d2/two`,
        60_000,
      );
      for (const end = Date.now() + 20_000; existsSync(join(p.share, 'd1/f1')) && Date.now() < end; )
        await sleep(20);
      await remember(p);
      assert.equal((await p.sh('stat -c %s d2/two')).out, '10\n');
      mkdirSync(join(p.share, 'go'));
      assert.equal((await wrote).err, '');
      assert.equal(await p.until('stat -c %s d2/two', '15\n'), '15\n');
    },
  );

for (const [what, others] of [
  ['has another name now', `os.rename(s + 'd2/two', s + 'd3/x')`],
  ['gave its name to another', `os.rename(s + 'd2/two', s + 'd3/x'); os.rename(s + 'd2/f0', s + 'd2/two')`],
] as const)
  test(
    `a file that was known by two names and ${what} is worked with through what is open`,
    here,
    async (t) => {
      const p = await pair(t, eightFolders);
      const r = await p.sh(`python3 -c "
import os
s = '${p.share}/'
os.chmod('d1/f1', 0o600)
os.link(s + 'd1/f1', s + 'd2/two'); os.unlink(s + 'd1/f1')
fd = os.open('d2/two', os.O_PATH); kept = os.open(s + 'd2/two', os.O_RDONLY); name = f'/proc/self/fd/{fd}'
${others}
os.chmod(name, 0o640); os.truncate(name, 3)
f = os.open(name, os.O_WRONLY | os.O_APPEND); os.write(f, b'more')
print(oct(os.fstat(f).st_mode), os.read(kept, 100), oct(os.fstat(kept).st_mode))
"`);
      assert.deepEqual([r.err, r.out], ['', "0o100640 b'd1/more' 0o100640\n"]);
    },
  );
