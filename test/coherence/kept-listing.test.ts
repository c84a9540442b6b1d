// SPDX-License-Identifier: MIT
// The kernel lists a folder from what it keeps, and lets go of that when others change the folder.

import assert from 'node:assert/strict';
import { readdirSync, statSync, utimesSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { OP } from '../../src/fuse-abi/index.ts';
import { cannotMount } from '../helpers/cli.ts';
import { eightFolders, PAST_THE_KERNEL_MS, type Pair, pair } from './pair.ts';

const reason = cannotMount() ?? (process.geteuid?.() === 0 ? undefined : 'mounts as root only');
const here = reason === undefined ? {} : { skip: reason };

/** As `eightFolders`, and nothing has changed in them for long. */
function oldFolders(share: string): void {
  eightFolders(share);
  for (const name of readdirSync(share, { recursive: true }) as string[]) {
    const path = join(share, name);
    if (statSync(path).isDirectory()) utimesSync(path, 1e9, 1e9);
  }
}

async function listingsOf(p: Pair, command: string): Promise<[requests: number, out: string]> {
  const count = (): number =>
    (p.stats.byOpcode[OP.readdir] as number) + (p.stats.byOpcode[OP.readdirplus] as number);
  const before = count();
  const { out, err } = await p.sh(command);
  assert.equal(err, '');
  return [count() - before, out];
}

test(
  'a folder is listed again without a request, one with folders as long as the attributes of those are good',
  here,
  async (t) => {
    const program = (dir: string): string => `python3 -c "
import os
for i in range(4): print(*sorted(os.listdir('${dir}')))
"`;
    let p: Pair;
    let other: number;
    let tries = 0;
    do {
      p = await pair(t, oldFolders);
      await p.walk();
      [other] = await listingsOf(p, program('d3'));
      // On a busy machine the attributes may be too old by now: in another mount they are new.
    } while (other > 2 && ++tries < 5);
    assert.ok(other <= 2, `${other} requests to list d3 four times`);
    const [leaf, names] = await listingsOf(p, program('d3/sub'));
    assert.equal(names, 'g\n'.repeat(4));
    assert.ok(leaf <= 2, `${leaf} requests to list d3/sub four times`);
    await sleep(PAST_THE_KERNEL_MS);
    // READDIRPLUS of it brings the attributes of the folders in it, which are asked for one by one else.
    const [anew] = await listingsOf(p, 'ls d3');
    assert.ok(anew >= 1, `${anew} requests to list d3 a second later`);
  },
);

for (const [what, change] of [
  ['comes', `open(there + '/new', 'w').close()`],
  ['goes', `os.unlink(there + '/g')`],
] as const)
  test(`a name that ${what} shows in a folder that is open`, here, async (t) => {
    const p = await pair(t, oldFolders);
    await p.walk();
    const [requests, out] = await listingsOf(
      p,
      `export SHARE=${p.share}; python3 -c "
import os, time
there = os.environ['SHARE'] + '/d3/sub'
fd = os.open('d3/sub', os.O_RDONLY)
# Each of these begins anew (rewinddir).
old = [sorted(os.listdir(fd)) for i in range(4)]
# Known to the kernel for a second from now on.
os.stat('d3/sub')
${change}
wanted = sorted(os.listdir(there))
end = time.monotonic() + 0.7
while time.monotonic() < end and sorted(os.listdir(fd)) != wanted: time.sleep(0.002)
print(old == [['g']] * 4, sorted(os.listdir(fd)) == wanted, sorted(os.listdir('d3/sub')) == wanted)
"`,
    );
    assert.equal(out, 'True True True\n');
    assert.ok(requests <= 12, `${requests} requests`);
  });

test('a folder that changed just now is not kept: another change may bear the same time', here, async (t) => {
  const p = await pair(t, eightFolders);
  await p.walk();
  const [requests] = await listingsOf(
    p,
    `export SHARE=${p.share}; python3 -c "
import os
os.utime(os.environ['SHARE'] + '/d3/sub')
for i in range(4): assert os.listdir('d3/sub') == ['g']
"`,
  );
  assert.ok(requests >= 6, `${requests} requests to list d3/sub four times`);
});
