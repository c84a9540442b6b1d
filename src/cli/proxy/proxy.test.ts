// SPDX-License-Identifier: MIT
import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import { join } from 'node:path';
import { describe, type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { leftovers, nodeProgram, type Ran, run, start } from '../../../test/helpers/cli.ts';
import { scratch } from '../../../test/helpers/places.ts';
import { RawProxy } from '../../../test/helpers/raw-proxy.ts';
import { connectStart, setNonblocking, socketpair } from '../../linux/net.ts';

const ORIGINAL = '/usr/lib/qemu/virtfs-proxy-helper';
const ours = (...args: string[]): string[] => nodeProgram('virtfs-proxy-helper', ...args);
const skip = process.geteuid?.() === 0 ? false : 'needs root';

function connect(path: string): RawProxy {
  const fd = connectStart({ kind: 'unix', path });
  assert.ok(fd >= 0, `cannot connect: ${fd}`);
  setNonblocking(fd, false);
  return new RawProxy(fd);
}

function ask(client: RawProxy): void {
  assert.equal(client.call('lstat', { path: '/' }).errno, 0);
}

/** Command lines that end before anything is served; `%` is a scratch folder with the folder `exp`, the file `file` and the link `link`. */
const ENDING: readonly string[][] = [
  [],
  ['-n', '-p', '%/exp'],
  ['-n', '-f', '3'],
  ['-n', '-p', '%/exp', '-f', '3', '-s', 'x'],
  ['-n', '-p', '%/exp', '-s', '%/sock'],
  ['-n', '-p', '%/exp', '-s', '%/sock', '-u', '0'],
  ['-n', '-p', '%/nothing', '-f', '3'],
  ['-n', '-p', '%/file/x', '-f', '3'],
  ['-n', '-p', '%/file', '-f', '3'],
  ['-n', '-p', '%/link', '-f', '3'],
  ['-n', '-p', '%/exp', '-s', '%/file', '-u', '0', '-g', '0'],
  ['-n', '-p', '%/exp', '-s', `%/${'x'.repeat(120)}`, '-u', '0', '-g', '0'],
  ['-n', '-p', '%/exp', '-s', '%/nodir/sock', '-u', '0', '-g', '0'],
  ['-h'],
  ['-?'],
];

function place(t: TestContext): string {
  const dir = scratch(t, 'proxy');
  fs.mkdirSync(join(dir, 'exp'));
  fs.writeFileSync(join(dir, 'file'), '');
  fs.symlinkSync('exp', join(dir, 'link'));
  return dir;
}

describe('virtfs-proxy-helper', { skip }, () => {
  test("what is wrong from the start: the original's words and statuses", async (t) => {
    const both = fs.existsSync(ORIGINAL);
    if (!both) t.diagnostic('the original is not here: its words are not compared');
    const dir = place(t);
    for (const line of ENDING) {
      const args = line.map((a) => a.replace('%', dir));
      const mine = await run(ours(...args));
      assert.equal(mine.stdout, '');
      assert.ok(typeof mine.code === 'number' && [0, 1, 255].includes(mine.code), line.join(' '));
      if (!both) continue;
      const theirs = await run([ORIGINAL, ...args]);
      // Our own options stand behind theirs.
      const words = (r: Ran): string => r.stderr.replace(/^ \[--(read-only|no-devices|sandbox).*\n/gm, '');
      assert.deepEqual([mine.code, words(mine)], [theirs.code, theirs.stderr], line.join(' '));
    }
    assert.deepEqual(fs.readdirSync(dir).sort(), ['exp', 'file', 'link']);
  });

  test('a descriptor that is closed, or no socket, is told and ends with 0', async (t) => {
    const dir = place(t);
    const closed = await run(ours('-n', '-p', `${dir}/exp`, '-f', '77'));
    assert.deepEqual(
      [closed.code, closed.stderr],
      [0, 'Started\nsocket descriptor 77:Bad file descriptor\nDone\n'],
    );
    const file = fs.openSync(`${dir}/file`, 'r');
    const none = await run(ours('-n', '-p', `${dir}/exp`, '-f', '3'), { fds: [file] });
    fs.closeSync(file);
    assert.equal(none.code, 0);
    assert.match(none.stderr, /^Started\nsocket descriptor 3:.*\nDone\n$/);
  });

  test('foreground, by socket: owner and mode, one client, the end', async (t) => {
    const dir = place(t);
    const sock = join(dir, 'sock');
    const p = start(ours('-n', '-p', `${dir}/exp`, '-s', sock, '-u', '64101', '-g', '64102'));
    for (let i = 0; i < 500 && !fs.existsSync(sock); i++) await sleep(10);
    // The owner is set a moment after the name appears.
    for (let i = 0; i < 500 && fs.statSync(sock).uid !== 64_101; i++) await sleep(10);
    const s = fs.statSync(sock);
    assert.deepEqual([s.mode & 0o777, s.uid, s.gid], [0o770, 64_101, 64_102]);
    const client = connect(sock);
    ask(client);
    assert.ok(connectStart({ kind: 'unix', path: sock }) < 0, 'a second client was let in');
    client.close();
    const r = await p.ended;
    assert.deepEqual([r.code, r.stderr, r.stdout], [0, 'Started\nDone\n', '']);
    fs.rmSync(sock);
    assert.deepEqual(await leftovers(dir), []);
  });

  test('ended while it waits, it takes its socket away', async (t) => {
    const dir = place(t);
    const sock = join(dir, 'sock');
    for (const [signal, code] of [
      ['SIGINT', 130],
      ['SIGTERM', 143],
    ] as const) {
      const p = start(ours('-n', '-p', `${dir}/exp`, '-s', sock, '-u', '0', '-g', '0'));
      for (let i = 0; i < 500 && !fs.existsSync(sock); i++) await sleep(10);
      // The wait begins a moment later.
      await sleep(200);
      p.child.kill(signal);
      assert.equal((await p.ended).code, code);
      assert.ok(!fs.existsSync(sock));
    }
  });

  for (const sandbox of ['bwrap', 'chroot'])
    test(`ended while it serves (${sandbox}), nothing of it stays`, async (t) => {
      const dir = place(t);
      const pair: [number, number] = [-1, -1];
      socketpair(pair);
      const p = start(ours('-n', '-p', `${dir}/exp`, '-f', '3', '--sandbox', sandbox), { fds: [pair[1]] });
      fs.closeSync(pair[1]);
      const client = new RawProxy(pair[0]);
      ask(client);
      p.child.kill('SIGTERM');
      await p.ended;
      assert.ok(client.endsWithin(5000), 'the helper goes on without its sandbox');
      client.close();
      assert.deepEqual(await leftovers(dir), []);
    });

  test('as a daemon: comes back when QEMU may be started, from any folder, and serves', async (t) => {
    const dir = place(t);
    const sock = join(dir, 'sock');
    const r = await run(ours('-p', 'exp', '-s', 'sock', '-u', '0', '-g', '0'), { cwd: dir });
    assert.deepEqual([r.code, r.stderr, r.stdout], [0, '', '']);
    const client = connect(sock);
    ask(client);
    client.close();
    fs.rmSync(sock);
    assert.deepEqual(await leftovers(dir), []);
  });

  test('as a daemon on a descriptor, as libvirt starts it', async (t) => {
    const dir = place(t);
    const pair: [number, number] = [-1, -1];
    socketpair(pair);
    const r = await run(ours('--path', `${dir}/exp`, '--fd', '3'), { fds: [pair[1]] });
    fs.closeSync(pair[1]);
    assert.deepEqual([r.code, r.stderr], [0, '']);
    const client = new RawProxy(pair[0]);
    ask(client);
    client.close();
    assert.deepEqual(await leftovers(dir), []);
  });

  test("a daemon's failure is told where it was started, and ends with 0 as the original's does", async (t) => {
    const dir = place(t);
    const r = await run(ours('-p', `${dir}/exp`, '-s', `${dir}/file`, '-u', '0', '-g', '0'));
    assert.deepEqual([r.code, r.stderr], [0, 'socket already exists\n']);
    assert.deepEqual(await leftovers(dir), []);
  });

  test("a daemon's words go to the machine's log", async (t) => {
    const dir = place(t);
    fs.writeFileSync(`${dir}/listener.py`, LISTENER);
    // A /dev of its own, with a log that this Python listens at.
    const script = [
      'mount -t tmpfs tmpfs /dev && mknod -m 666 /dev/null c 1 3 && mknod -m 666 /dev/urandom c 1 9',
      `exec python3 '${dir}/listener.py' ${ours('-p', `${dir}/exp`, '-f', '3', '--sandbox', 'chroot')
        .map((w) => `'${w}'`)
        .join(' ')}`,
    ].join(' && ');
    const pair: [number, number] = [-1, -1];
    socketpair(pair);
    const p = start(['unshare', '-m', 'sh', '-c', script], { fds: [pair[1]] });
    fs.closeSync(pair[1]);
    const client = new RawProxy(pair[0]);
    ask(client);
    client.send(Uint8Array.of(99, 0, 0, 0, 0, 0, 0, 0));
    const r = await p.ended;
    client.close();
    assert.equal(r.code, 0, r.stderr);
    const lines = r.stdout.trim().split('\n');
    const shape = /^<(\d+)>[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d virtfs-proxy-helper\[(\d+)\]: (.*)$/;
    assert.deepEqual(
      lines.map((l) => shape.exec(l)?.[3]),
      ['Started', 'there is no request of type 99', 'Done'],
    );
    assert.deepEqual(
      lines.map((l) => shape.exec(l)?.[1]),
      ['30', '26', '30'],
    );
    assert.equal(new Set(lines.map((l) => shape.exec(l)?.[2])).size, 1, 'one process id');
    assert.deepEqual(await leftovers(dir), []);
  });

  test('an ordinary user is told no, as by the original', async (t) => {
    const dir = place(t);
    fs.chmodSync(dir, 0o755);
    const pair: [number, number] = [-1, -1];
    socketpair(pair);
    const how = { uid: 65534, fds: [pair[1]] };
    const mine = await run(ours('-n', '-p', `${dir}/exp`, '-f', '3'), how);
    for (const fd of pair) fs.closeSync(fd);
    assert.deepEqual([mine.code, mine.stderr], [0, 'Started\nchroot:Operation not permitted\nDone\n']);
  });
});

const LISTENER = `
import os, socket, subprocess, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM); s.bind('/dev/log'); s.settimeout(20)
p = subprocess.Popen(sys.argv[1:], pass_fds=[3]); os.close(3)
while True:
    line = s.recv(4096).decode(); print(line, flush=True)
    if line.endswith('Done'): break
sys.exit(p.wait())
`;
