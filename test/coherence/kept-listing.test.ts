// SPDX-License-Identifier: MIT
// The kernel lists a folder from what it keeps, and lets go of that when others change the folder.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { OP } from '../../src/fuse-abi/index.ts';
import { cannotMount } from '../helpers/cli.ts';
import { eightFolders, type Pair, pair } from './pair.ts';

const reason = cannotMount() ?? (process.geteuid?.() === 0 ? undefined : 'mounts as root only');
const here = reason === undefined ? {} : { skip: reason };

async function listingsOf(p: Pair, command: string): Promise<[requests: number, out: string]> {
  const count = (): number =>
    (p.stats.byOpcode[OP.readdir] as number) + (p.stats.byOpcode[OP.readdirplus] as number);
  const before = count();
  const { out, err } = await p.sh(command);
  assert.equal(err, '');
  return [count() - before, out];
}

test('a folder without folders is listed again without a request, one with folders anew', here, async (t) => {
  const p = await pair(t, eightFolders);
  await p.walk();
  const program = (dir: string): string => `python3 -c "
import os
for i in range(4): print(*sorted(os.listdir('${dir}')))
"`;
  const [leaf, names] = await listingsOf(p, program('d3/sub'));
  assert.equal(names, 'g\n'.repeat(4));
  assert.ok(leaf <= 2, `${leaf} requests to list d3/sub four times`);
  // READDIRPLUS of it brings the attributes of the folders in it, which are asked for one by one else.
  const [other] = await listingsOf(p, program('d3'));
  assert.ok(other >= 8, `${other} requests to list d3 four times`);
});

for (const [what, change] of [
  ['comes', `open(there + '/new', 'w').close()`],
  ['goes', `os.unlink(there + '/g')`],
] as const)
  test(
    `a name that ${what} shows in a folder that is open, also where its times do not tell`,
    here,
    async (t) => {
      const p = await pair(t, eightFolders);
      await p.walk();
      const [requests, out] = await listingsOf(
        p,
        `export SHARE=${p.share}; python3 -c "
import os, time
there = os.environ['SHARE'] + '/d3/sub'
fd = os.open('d3/sub', os.O_RDONLY)
# Each of these begins anew (rewinddir).
old = [sorted(os.listdir(fd)) for i in range(4)]
s = os.stat(there)
${change}
os.utime(there, ns=(s.st_atime_ns, s.st_mtime_ns))
wanted = sorted(os.listdir(there))
end = time.monotonic() + 5
while time.monotonic() < end and sorted(os.listdir(fd)) != wanted: time.sleep(0.005)
print(old == [['g']] * 4, sorted(os.listdir(fd)) == wanted, sorted(os.listdir('d3/sub')) == wanted)
"`,
      );
      assert.equal(out, 'True True True\n');
      assert.ok(requests <= 12, `${requests} requests`);
    },
  );
