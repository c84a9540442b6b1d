// SPDX-License-Identifier: MIT
// What others change is seen at once where the server watches, and what they do not change is not asked for again.

import assert from 'node:assert/strict';
import {
  appendFileSync,
  chmodSync,
  mkdirSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { cannotMount } from '../helpers/cli.ts';
import { eightFolders, PAST_THE_KERNEL_MS, pair, YOUNG_MS } from './pair.ts';

const reason = cannotMount() ?? (process.geteuid?.() === 0 ? undefined : 'mounts as root only');
const here = reason === undefined ? {} : { skip: reason };

test('a tree that was gone through is gone through again without a word from the server', here, async (t) => {
  const p = await pair(t, eightFolders);
  // The first folders are listed before the walk shows itself; a second later they are asked for again, and watched.
  await p.walk();
  await sleep(PAST_THE_KERNEL_MS);
  const first = await p.walk();
  await sleep(PAST_THE_KERNEL_MS);
  // No listing: a question for each folder's own attributes, of which the folder above is not told.
  const messages = await p.messagesOf('find . -ls');
  assert.ok(messages <= 24, `${messages} messages for 17 folders`);
  assert.equal(await p.walk(), first);
});

test('a name that comes, goes or is given to another is seen though all was remembered', here, async (t) => {
  const p = await pair(t, eightFolders);
  const names = (d: string): string => `${readdirSync(join(p.share, d)).sort().join('\n')}\n`;
  await p.walk();
  await sleep(PAST_THE_KERNEL_MS);
  writeFileSync(join(p.share, 'd3/new'), 'x');
  assert.equal(await p.until('ls d3 | sort', names('d3')), names('d3'));
  rmSync(join(p.share, 'd4/f2'));
  assert.equal(await p.until('ls d4 | sort', names('d4')), names('d4'));
  assert.match((await p.sh('cat d4/f2')).err, /No such file/);
  renameSync(join(p.share, 'd5/f1'), join(p.share, 'd6/f1'));
  assert.equal(await p.until('cat d6/f1', 'd5/f1\nold\n', 2500), 'd5/f1\nold\n');
  assert.equal(await p.until('ls d5 | sort', names('d5')), names('d5'));
  rmSync(join(p.share, 'd7/sub'), { recursive: true });
  mkdirSync(join(p.share, 'd7/sub'));
  writeFileSync(join(p.share, 'd7/sub/h'), '');
  assert.equal(await p.until('ls d7/sub', 'h\n', 2500), 'h\n');
  symlinkSync('f0', join(p.share, 'd0/link'));
  assert.equal(await p.until('readlink d0/link', 'f0\n'), 'f0\n');
  assert.ok(p.stats.changesTold > 0);
});

test('new attributes and sizes are seen though all was remembered', here, async (t) => {
  const p = await pair(t, eightFolders);
  await p.walk();
  await sleep(PAST_THE_KERNEL_MS);
  chmodSync(join(p.share, 'd1/f1'), 0o600);
  assert.equal(await p.until('stat -c %a d1/f1', '600\n'), '600\n');
  appendFileSync(join(p.share, 'd2/f1'), 'more\n');
  assert.equal(await p.until('stat -c %s d2/f1', '15\n'), '15\n');
  assert.equal(await p.until('cat d2/f1', 'd2/f1\nold\nmore\n'), 'd2/f1\nold\nmore\n');
  // Also of a file that a program holds open.
  const held = p.sh('exec 3<d1/f5; cat <&3; sleep 1.5; cat d1/f5; tail -c 4 /proc/self/fd/3', 10_000);
  await sleep(500);
  writeFileSync(join(p.share, 'd1/f5'), 'd1/f5\nnew\n');
  assert.equal((await held).out, 'd1/f5\nold\nd1/f5\nnew\nnew\n');
});

test(
  'files are opened ahead of who reads a folder, and each read is of what is there now',
  here,
  async (t) => {
    const p = await pair(t, eightFolders);
    // A younger file may change and keep its time: nothing that was known of it holds when it is opened.
    await sleep(YOUNG_MS);
    await p.walk();
    const all = await p.sh('cat $(find . -type f)');
    assert.equal(all.out.match(/old/g)?.length, 8 * 17);
    assert.ok(p.stats.aheadUsed > 40, `${p.stats.aheadUsed} of ${p.stats.aheadTried} used`);
    await sleep(PAST_THE_KERNEL_MS);
    // In the midst of it, what was opened ahead is changed: each in another way.
    const order = (await p.sh('find d2 -maxdepth 1 -type f')).out.trim().split('\n');
    const [a, b, c, d] = order.slice(8, 12) as [string, string, string, string];
    // Listed again first, so that the kernel still believes the names when their turn comes.
    const reading = p.sh(
      `find d2 -ls > /dev/null; n=0; for f in ${order.join(' ')}; do cat $f; n=$((n+1)); [ $n = 6 ] && sleep 0.4; done`,
    );
    await sleep(300);
    const before = p.stats.aheadTried;
    writeFileSync(join(p.share, a), `${a}\nnew\n`);
    rmSync(join(p.share, b));
    writeFileSync(join(p.share, b), `${b}\nanother\n`);
    writeFileSync(join(p.share, 'spare'), `${c}\nmoved\n`);
    renameSync(join(p.share, 'spare'), join(p.share, c));
    appendFileSync(join(p.share, d), 'longer\n');
    const { out } = await reading;
    assert.ok(before > 0);
    for (const text of [`${a}\nnew\n`, `${b}\nanother\n`, `${c}\nmoved\n`, `${d}\nold\nlonger\n`])
      assert.ok(out.includes(text), `${JSON.stringify(text)} in ${JSON.stringify(out)}`);
    await sleep(3200);
    assert.equal(p.stats.aheadOpen, 0, 'nothing is held open for programs that did not come');
  },
);

test(
  'what the kernel copies by itself goes by the size that a look at the open file has shown',
  here,
  async (t) => {
    const p = await pair(t, eightFolders);
    await p.walk();
    const r = await p.sh(`python3 -c "
import os, time
fd = os.open('d1/f1', os.O_RDONLY); os.fstat(fd); out = os.open('d2/f2', os.O_WRONLY); spare = os.memfd_create('x'); r, w = os.pipe()
open('${p.share}/d1/f1', 'a').write('x' * 990)
time.sleep(1.2)
size = os.fstat(fd).st_size
print(size, os.copy_file_range(fd, out, 2000, 0, 0), os.sendfile(spare, fd, 0, 2000), os.splice(fd, w, 2000, 0) if hasattr(os, 'splice') else size)
"`);
    assert.deepEqual([r.err, r.out], ['', '1000 1000 1000 1000\n']);
  },
);

test('what comes and goes in a folder shows in its own links and times, whoever did it', here, async (t) => {
  const p = await pair(t, eightFolders);
  await p.walk();
  await sleep(PAST_THE_KERNEL_MS);
  await p.walk();
  await sleep(600);
  // Through the mount: at once, though the folder above is watched and was not changed.
  const moved = await p.sh(
    'mv d1/sub d2/sub2; find . -ls > /dev/null; stat -c %h d1 d2; ls -ld d1 | cut -c12',
  );
  assert.equal(moved.out, '2\n4\n2\n');
  await sleep(PAST_THE_KERNEL_MS);
  await p.walk();
  mkdirSync(join(p.share, 'd6/sub/deeper'));
  assert.equal(await p.until('find . -ls > /dev/null; stat -c %h d6/sub', '3\n', 2500), '3\n');
});

test(
  'a file that is emptied by its open, or gets an attribute, is not told of as it was',
  here,
  async (t) => {
    const p = await pair(t, eightFolders);
    await p.walk();
    await sleep(PAST_THE_KERNEL_MS);
    await p.walk();
    const emptied = await p.sh(
      'find d3 -ls > /dev/null; exec 3> d3/f3; find d3 -name f3 -size 0; stat -c %s d3/f3',
    );
    assert.equal(emptied.out, 'd3/f3\n0\n');
    const before = (await p.sh('stat -c %z d4/f4')).out;
    const after = await p.sh('setfattr -n user.n -v v d4/f4; find d4 -ls > /dev/null; stat -c %z d4/f4');
    if (/not found/.test(after.err)) return t.diagnostic('no setfattr here');
    assert.notEqual(after.out, before);
  },
);

test(
  'an open to read that also empties the file is not answered from what was opened ahead',
  here,
  async (t) => {
    const p = await pair(t, eightFolders);
    await p.walk();
    await sleep(PAST_THE_KERNEL_MS);
    await p.walk();
    const order = (await p.sh('find d2 -maxdepth 1 -type f')).out.trim().split('\n');
    const next = order[7] as string;
    const r = await p.sh(
      `cat ${order.slice(0, 6).join(' ')} > /dev/null; python3 -c 'import os; os.open("${next}", os.O_RDONLY | os.O_TRUNC)'`,
    );
    assert.equal(r.err, '');
    assert.ok(p.stats.aheadTried > 2);
    assert.equal(statSync(join(p.share, next)).size, 0);
  },
);

test('a name taken away shows in the links of the file under its other name', here, async (t) => {
  const p = await pair(t, eightFolders);
  // Each name seen under the other folder last, so that the one taken is not where the mount knows the file.
  const r = await p.sh(
    'ln d1/f1 d2/two; find d1 -ls > /dev/null; find d2 -ls > /dev/null; find d1 -ls > /dev/null; rm d2/two; find d1 -name f1 -links 1',
  );
  assert.equal(r.out, 'd1/f1\n');
});

test('ten thousand changes at once: what is seen afterwards is right', here, async (t) => {
  const p = await pair(t, eightFolders);
  await p.walk();
  for (let i = 0; i < 10_000; i++) {
    const name = join(p.share, `d${i % 8}/storm${i}`);
    writeFileSync(name, '');
    if (i % 3 !== 0) rmSync(name);
  }
  writeFileSync(join(p.share, 'd0/f0'), 'after\n');
  for (let d = 0; d < 8; d++) {
    const right = `${readdirSync(join(p.share, `d${d}`))
      .sort()
      .join('\n')}\n`;
    assert.ok(
      (await p.until(`ls -U d${d} | LC_ALL=C sort`, right, 5000)) === right,
      `d${d}: ${p.log.join()}`,
    );
  }
  assert.equal(await p.until('cat d0/f0', 'after\n', 5000), 'after\n');
});

test('our own changes are seen at once, and end the watch of the folder', here, async (t) => {
  const p = await pair(t, eightFolders);
  await p.walk();
  const r = await p.sh(
    'echo new > d1/n; ls d1 | grep -c n; rm d1/n; ls d1 | grep -c n; echo more >> d1/f3; cat d1/f3; mv d1/f3 d2/moved; cat d2/moved',
  );
  assert.equal(r.out, '1\n0\nd1/f3\nold\nmore\nd1/f3\nold\nmore\n');
  const told = p.stats.changesTold;
  await p.sh('i=0; while [ $i -lt 200 ]; do echo $i > d5/own; i=$((i+1)); done');
  assert.ok(p.stats.changesTold - told <= 4, `${p.stats.changesTold - told} of our own changes came back`);
});

for (const [what, args] of [
  ['a server that watches nothing', ['--max-watches', '0']],
  ['a server that may not be asked to', ['--deny', 'watch']],
] as const) {
  test(`${what}: all is seen within the kernel's second`, here, async (t) => {
    const p = await pair(t, eightFolders, args);
    await p.walk();
    writeFileSync(join(p.share, 'd3/f1'), 'd3/f1\nnew\n');
    writeFileSync(join(p.share, 'd3/new'), 'x\n');
    assert.equal(await p.until('cat d3/f1 d3/new', 'd3/f1\nnew\nx\n', 3000), 'd3/f1\nnew\nx\n');
    assert.equal(p.stats.aheadTried, 0, 'nothing is opened ahead where changes would not be heard of');
  });
}

test(
  'our own server is not asked for the kernel’s attributes, and they read as not there',
  here,
  async (t) => {
    const p = await pair(t, (share) => writeFileSync(join(share, 'f'), 'x'));
    const look = (name: string): string =>
      `python3 -c "import os; os.open('f', os.O_RDONLY)
for i in range(20):
    try: os.getxattr('f', '${name}')
    except OSError as e: print(e.errno, end=' ')"`;
    await p.sh(look('user.v'), 60_000);
    const asked = await p.messagesOf(look('user.v'));
    const unasked = await p.messagesOf(look('security.capability'));
    // Opening the file takes three or four, as the kernel still knows the name or not.
    assert.ok(asked >= 20 && unasked < 10, `${asked} messages, and ${unasked}`);
    // ENODATA, as the server would say.
    assert.equal((await p.sh(look('security.capability'), 60_000)).out, '61 '.repeat(20));
  },
);
