// SPDX-License-Identifier: MIT
import assert from 'node:assert/strict';
import {
  closeSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readSync,
  rmSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { leftovers, nodeProgram, type Running, run, start } from '../../../test/helpers/cli.ts';
import { sys } from '../../../test/helpers/linux.ts';
import { Raw9p } from '../../../test/helpers/raw9p.ts';
import { O_NONBLOCK, POLLOUT } from '../../base/sys.ts';
import { pipe, setNonblocking, statusFlags } from '../../linux/descriptors.ts';
import { NOFID, NOTAG, VERSION } from '../../p9/constants.ts';
import { T } from '../../p9/messages.ts';

/** Of both pipes: what the server is given, and what the peer has. */
interface Ends {
  read: number;
  write: number;
  peerRead: number;
  peerWrite: number;
}

const ANSWERS = 40;
const SIZE = 60_000;

function ground(t: TestContext): { dir: string; share: string } {
  const dir = mkdtempSync(join(tmpdir(), 'ninefold-pipes-'));
  const share = join(dir, 'share');
  mkdirSync(share);
  writeFileSync(join(share, 'file'), Buffer.alloc(SIZE, 'x'));
  t.after(async () => {
    const left = await leftovers(dir);
    rmSync(dir, { recursive: true, force: true });
    assert.deepEqual(left, [], 'nothing is left running');
  });
  return { dir, share };
}

async function ends(t: TestContext, named: boolean, dir: string): Promise<Ends> {
  const all: Ends = { read: -1, write: -1, peerRead: -1, peerWrite: -1 };
  if (named) {
    assert.equal((await run(['mkfifo', join(dir, 'in'), join(dir, 'out')])).code, 0);
    all.read = openSync(join(dir, 'in'), 'r+');
    all.write = openSync(join(dir, 'out'), 'r+');
    all.peerRead = openSync(join(dir, 'out'), 'r');
    all.peerWrite = openSync(join(dir, 'in'), 'w');
  } else {
    const one: [number, number] = [-1, -1];
    const two: [number, number] = [-1, -1];
    assert.ok(pipe(one) >= 0 && pipe(two) >= 0);
    [all.read, all.peerWrite] = one;
    [all.peerRead, all.write] = two;
  }
  t.after(() => {
    for (const fd of Object.values(all)) closeSync(fd as number);
  });
  return all;
}

/** A server that has more to say than the pipe holds. Undefined, and the test skipped, where the sandbox is not to be had. */
async function full(t: TestContext, sandbox: string, e: Ends, share: string): Promise<Running | undefined> {
  const serve = start(nodeProgram('qfsd', '3', '4', share, '--sandbox', sandbox), { fds: [e.read, e.write] });
  const frames = new Raw9p(new Socket());
  writeSync(
    e.peerWrite,
    Buffer.concat([
      frames.frame(T.version, { msize: 65_536, name: VERSION }, NOTAG),
      frames.frame(T.attach, { fid: 0, afid: NOFID, name: '', name2: '', nuname: process.getuid?.() ?? 0 }),
      frames.frame(T.walk, { fid: 0, newfid: 1, names: ['file'] }),
      frames.frame(T.lopen, { fid: 1, flags: 0 }),
      ...Array.from({ length: ANSWERS }, () => frames.frame(T.read, { fid: 1, offset: 0, count: SIZE })),
    ]),
  );
  const poll = sys.alloc(8);
  const isFull = (): boolean => {
    poll.dv.setInt32(0, e.write, true);
    poll.dv.setUint32(4, POLLOUT, true);
    return sys.poll(poll, 1, 0) === 0;
  };
  let over = false;
  void serve.ended.then(() => {
    over = true;
  });
  for (let i = 0; i < 2000 && !over && !isFull(); i++) await sleep(5);
  if (!over) {
    assert.ok(isFull());
    return serve;
  }
  const { stderr } = await serve.ended;
  assert.match(stderr, /cannot confine/);
  t.skip(stderr.trim());
  return undefined;
}

for (const sandbox of ['none', 'bwrap', 'landlock'])
  for (const named of [false, true]) {
    const kind = named ? 'named pipes' : 'pipes';
    test(`qfsd --sandbox ${sandbox} on ${kind}: a peer that does not read does not keep it from ending`, async (t) => {
      const g = ground(t);
      const e = await ends(t, named, g.dir);
      const serve = await full(t, sandbox, e, g.share);
      if (serve === undefined) return;
      serve.child.kill('SIGTERM');
      const { code } = await serve.ended;
      assert.ok([143, 'SIGTERM'].includes(code), String(code));
    });
  }

for (const named of [false, true])
  test(`qfsd on ${named ? 'named pipes' : 'pipes'}: every byte comes when the peer reads again, and the descriptors stay as they were given`, async (t) => {
    const g = ground(t);
    const e = await ends(t, named, g.dir);
    const serve = await full(t, 'none', e, g.share);
    assert.ok(serve !== undefined);
    const flags = [statusFlags(e.read), statusFlags(e.write)];
    const chunk = Buffer.alloc(1 << 16);
    for (let left = ANSWERS * SIZE; left > 0; )
      left -= chunk.subarray(0, readSync(e.peerRead, chunk)).filter((b) => b === 0x78).length;
    serve.child.kill('SIGTERM');
    assert.equal((await serve.ended).code, 143);
    for (const fd of [e.read, e.write]) assert.equal(statusFlags(fd) & O_NONBLOCK, 0);
    assert.ok(flags.every((f) => (f & O_NONBLOCK) === 0));
  });

test('standard output and error that are one pipe, which does not block, are not taken for pipes of Node itself', async (t) => {
  const g = ground(t);
  const input: [number, number] = [-1, -1];
  const output: [number, number] = [-1, -1];
  assert.equal(pipe(input) + pipe(output), 0);
  t.after(() => closeSync(output[0]));
  closeSync(input[1]);
  assert.equal(setNonblocking(output[1], true), 0);
  const shell = ['/bin/sh', '-c', '"$@" <&3 >&4 2>&4 3<&- 4>&-', 'sh'];
  const qfsd = nodeProgram('qfsd', '0', '1', g.share, '--sandbox', 'none');
  const serve = start([...shell, ...qfsd], { fds: [input[0], output[1]] });
  closeSync(input[0]);
  closeSync(output[1]);
  assert.equal((await serve.ended).code, 0);
});
