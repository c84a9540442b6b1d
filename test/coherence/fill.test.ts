// SPDX-License-Identifier: MIT
// A program that looks up one name after the other: the mount lists the folders itself, and the kernel knows the names.

import assert from 'node:assert/strict';
import { lstatSync, mkdirSync, readdir, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { OP } from '../../src/fuse-abi/index.ts';
import { cannotMount } from '../helpers/cli.ts';
import { type Pair, pair } from './pair.ts';

const reason = cannotMount() ?? (process.geteuid?.() === 0 ? undefined : 'mounts as root only');
const here = reason === undefined ? {} : { skip: reason };

const FOLDERS = 80;
const FILES = 20;

/** `d0` … with `f0` …, in half of them a folder of one file, each file of another size. */
function tree(share: string): void {
  for (let d = 0; d < FOLDERS; d++) {
    const dir = join(share, `d${d}`);
    mkdirSync(dir);
    for (let f = 0; f < FILES; f++) writeFileSync(join(dir, `f${f}`), 'x'.repeat(d * FILES + f));
    if (d % 2 === 1) continue;
    mkdirSync(join(dir, 'sub'));
    writeFileSync(join(dir, 'sub/file'), '');
  }
}

/** What lstat(2) by path tells of every file, in four threads, as git does it: `path size ino`, in order. */
const LOOK = `python3 -c "
import os
from concurrent.futures import ThreadPoolExecutor
def look(d):
    lines = []
    for f in range(${FILES}):
        p = 'd%d/f%d' % (d, f)
        s = os.lstat(p)
        lines.append('%s %d %d' % (p, s.st_size, s.st_ino))
    try: os.lstat('d%d/missing' % d)
    except FileNotFoundError: pass
    else: lines.append('missing is there')
    return lines
with ThreadPoolExecutor(4) as pool:
    for lines in pool.map(look, range(${FOLDERS})): print(*lines, sep='\\n')
"`;

function asServed(share: string): string {
  let out = '';
  for (let d = 0; d < FOLDERS; d++)
    for (let f = 0; f < FILES; f++) {
      const s = lstatSync(join(share, `d${d}/f${f}`));
      out += `d${d}/f${f} ${s.size} ${s.ino}\n`;
    }
  return out;
}

const lookups = (p: Pair): number => p.stats.byOpcode[OP.lookup] as number;

test(
  'names looked up one by one are given to the kernel a folder at a time, and are right',
  here,
  async (t) => {
    const p = await pair(t, tree);
    const r = await p.sh(LOOK, 60_000);
    assert.equal(r.err, '');
    assert.equal(r.out, asServed(p.share));
    assert.ok(p.stats.filled > FOLDERS / 2, `${p.stats.filled} of ${FOLDERS} folders were filled`);
    const asked = lookups(p);
    assert.ok(asked < (FOLDERS * FILES) / 2, `${asked} lookups of ${FOLDERS * FILES} names`);
  },
);

test('what others change meanwhile is seen, and what is made and removed here at once', here, async (t) => {
  const p = await pair(t, tree);
  await p.sh(LOOK, 60_000);
  for (let d = 0; d < FOLDERS; d += 3) writeFileSync(join(p.share, `d${d}/f1`), 'new'.repeat(d));
  const wanted = asServed(p.share);
  assert.equal(await p.until(LOOK, wanted), wanted);
  // One looks while another makes and removes names in the folders that are being filled: nobody waits for long.
  const began = Date.now();
  const r = await p.sh(
    `python3 -c "
import os, threading, time
stop = False
def change():
    i = 0
    while not stop:
        p = 'd%d/new' % (i % ${FOLDERS})
        open(p, 'w').close()
        assert os.path.exists(p)
        os.unlink(p)
        assert not os.path.exists(p)
        i += 1
    print('changed', i > 20)
t = threading.Thread(target=change)
t.start()
end = time.time() + 2
while time.time() < end:
    for d in range(${FOLDERS}):
        for f in range(${FILES}): os.lstat('d%d/f%d' % (d, f))
stop = True
t.join()
"`,
    60_000,
  );
  assert.equal(r.err, '');
  assert.equal(r.out, 'changed True\n');
  assert.ok(Date.now() - began < 30_000, `${Date.now() - began} ms`);
});

test(
  'a listing that cannot come keeps no lookup waiting, and is tried less and less often',
  here,
  async (t) => {
    const p = await pair(t, tree, [], () => {});
    const r = await p.sh(
      `python3 -c "
import os, time
slowest = 0
for d in range(${FOLDERS}):
    began = time.time()
    for f in range(${FILES}): os.lstat('d%d/f%d' % (d, f))
    slowest = max(slowest, time.time() - began)
    time.sleep(0.05)
print(slowest < 2)
"`,
      60_000,
    );
    assert.equal(r.err, '');
    assert.equal(r.out, 'True\n');
    // In four seconds: at the beginning, after 250 ms, 750, 1750, 3750. Every 250 ms it would be fifteen times.
    const tried = p.stats.filled;
    assert.ok(tried >= 3 && tried <= 8, `${tried} were tried`);
  },
);

test('after one that came too late, listings are tried again, at first soon', here, async (t) => {
  let late = 0;
  const p = await pair(t, tree, [], (path, done) => {
    // The first one comes when nobody waits for it any more.
    if (late++ === 0) setTimeout(done, 100);
    else readdir(join(p.dir, path), () => done());
  });
  await p.sh('stat -c %n d0/f1 d0/f2 d0/f3 d0/f4', 20_000);
  assert.equal(p.stats.filled, 1);
  await sleep(400);
  const r = await p.sh(LOOK, 60_000);
  assert.equal(r.out, asServed(p.share));
  assert.ok(p.stats.filled > FOLDERS / 2, `${p.stats.filled} of ${FOLDERS} folders were filled`);
});

test('a server that falls silent does not make our own threads keep the mount in use', here, async (t) => {
  let p: Pair | undefined;
  const ended: number[] = [];
  const began: number[] = [];
  p = await pair(t, tree, [], (_path, done) => {
    if (p === undefined || began.length > 0) return done();
    began.push(performance.now());
    p.server.kill('SIGSTOP');
    // Of this one nothing is remembered, so that it must be asked for.
    readdir(join(p.dir, 'd79'), () => {
      ended.push(performance.now());
      done();
    });
  });
  const r = await p.sh('for i in 1 2 3 4 5 6; do stat -c %n d0/f$i; done', 20_000);
  assert.equal(r.err, '');
  assert.equal(began.length, 1);
  for (let i = 0; i < 500 && ended.length === 0; i++) await sleep(10);
  p.server.kill('SIGCONT');
  const ms = (ended[0] ?? Infinity) - (began[0] ?? 0);
  assert.ok(ms < 5000, `it was let go after ${ms} ms`);
});

test('a large folder is remembered a part at a time, and never asked name by name', here, async (t) => {
  const many = 3000;
  const p = await pair(t, (share) => {
    for (let i = 0; i < many; i++) writeFileSync(join(share, `name-${i}`), '');
  });
  const messages = await p.messagesOf(`python3 -c "
import os
for i in range(${many}): os.lstat('name-%d' % i)
"`);
  assert.ok(messages <= 100, `${messages} messages for ${many} names`);
  assert.equal(p.stats.filled, 0, 'it is too large to be listed for the sake of a few names');
});
