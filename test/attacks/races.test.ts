// SPDX-License-Identifier: MIT
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { test } from 'node:test';
import { T } from '../../src/p9/messages.ts';
import type { Raw9p, Reply } from '../helpers/raw9p.ts';
import { type Arena, allowed, CANARY, inArenas } from './arena.ts';

/** Walks against the swapping process without a sandbox; CI runs a million. A tenth of them with each kind. */
const WALKS = Number(process.env.NINEFOLD_WALKS ?? 100_000);
const IN_FLIGHT = 200;

/** Swaps `swap` (a folder with `secret` inside, and `secret` itself a file) with a symlink out of the share, as fast as it can, until its stdin closes. */
const SWAPPER = `
import os, sys, threading
share, canary = sys.argv[1:3]
os.mkdir(share + '/swap'); open(share + '/swap/secret', 'w').write('harmless'); os.mkdir(share + '/swap/dir')
os.symlink(canary, share + '/out'); os.symlink(canary + '/secret', share + '/out-file')
open(share + '/plain', 'w').write('harmless')
stop = threading.Event()
def wait():
    sys.stdin.read(); stop.set()
threading.Thread(target=wait, daemon=True).start()
print('ready', flush=True)
n = 0
def move(a, b):
    try: os.rename(share + a, share + b)
    except OSError: pass  # the client may have removed it
while not stop.is_set():
    move('/swap', '/kept'); move('/out', '/swap'); move('/plain', '/kept-file'); move('/out-file', '/plain')
    move('/swap', '/out'); move('/kept', '/swap'); move('/plain', '/out-file'); move('/kept-file', '/plain')
    n += 1
print(n, flush=True)
`;

class Swapper {
  private readonly child: ChildProcess;
  private text = '';
  private readonly ended: Promise<unknown>;

  constructor(t: { after(fn: () => void): void }, arena: Arena) {
    const args = ['-c', SWAPPER, arena.share, `${arena.base}/canary`];
    this.child = spawn('python3', args, { stdio: ['pipe', 'pipe', 'inherit'] });
    this.child.stdout?.on('data', (d: Buffer) => (this.text += d.toString()));
    this.ended = new Promise((resolve) => this.child.once('close', resolve));
    t.after(() => this.child.kill('SIGKILL'));
  }

  async ready(): Promise<void> {
    while (!this.text.includes('ready')) await new Promise((resolve) => setTimeout(resolve, 5));
  }

  /** How often it swapped. */
  async stop(): Promise<number> {
    this.child.stdin?.end();
    await this.ended;
    return Number(this.text.trim().split('\n').at(-1));
  }
}

/** Sends `count` requests, `IN_FLIGHT` at a time, and looks at each reply. */
async function flood(
  c: Raw9p,
  count: number,
  frame: (i: number) => Uint8Array,
  look: (r: Reply, i: number) => void,
): Promise<void> {
  for (let sent = 0; sent < count; ) {
    const batch = Math.min(IN_FLIGHT, count - sent);
    const frames = Array.from({ length: batch }, (_, i) => frame(sent + i));
    c.send(Buffer.concat(frames));
    for (let i = 0; i < batch; i++) {
      const r = await c.next();
      assert.ok(r !== undefined, 'the server closed');
      look(r, sent + i);
    }
    sent += batch;
  }
}

test(`a symlink swapped in during ${WALKS.toLocaleString('en')} walks never leads out`, async (t) => {
  await inArenas(t, [], async (t, arena) => {
    const walks = arena.sandbox === 'none' ? WALKS : Math.floor(WALKS / 10);
    const swapper = new Swapper(t, arena);
    await swapper.ready();
    const c = await arena.begin();
    const counts = { through: 0, stopped: 0 };
    // A walk, an open and a read of what it found, and a clunk, all in one batch: the fid is the same for all, so that each uses the one before.
    const steps: ((fid: number) => Uint8Array)[] = [
      (fid) => c.frame(T.walk, { fid: 0, newfid: fid, names: ['swap', 'secret'] }),
      (fid) => c.frame(T.lopen, { fid, flags: 0 }),
      (fid) => c.frame(T.read, { fid, offset: 0, count: 200 }),
      (fid) => c.frame(T.clunk, { fid }),
    ];
    await flood(
      c,
      Math.floor(walks / 2) * steps.length,
      (i) =>
        (steps[i % steps.length] as (fid: number) => Uint8Array)(1 + (Math.floor(i / steps.length) % 40)),
      (r, i) => {
        if (i % steps.length === 0) counts[r.msg.nwqid === 2 ? 'through' : 'stopped']++;
        else if (i % steps.length === 2 && r.errno === 0)
          assert.equal(Buffer.from(r.data).toString(), 'harmless', `walk ${i} read something else`);
      },
    );
    // Deep, with `..` behind the swapped name: it must come out in the share, or not at all.
    const rootQid = (await allowed(c, T.getattr, { fid: 0, mask: 0x7ff })).msg.qid.pathLo;
    await flood(
      c,
      walks - Math.floor(walks / 2),
      () => c.frame(T.walk, { fid: 0, newfid: 500, names: ['swap', '..', 'canary', 'secret'] }),
      (r) => {
        if (r.errno !== 0) return;
        assert.ok(r.msg.nwqid <= 2, 'the canary was reached');
        if (r.msg.nwqid === 2) assert.equal(r.msg.qids[1]?.pathLo, rootQid);
      },
    );
    const swaps = await swapper.stop();
    assert.ok(swaps > 100, `only ${swaps} swaps`);
    assert.ok(counts.through > 0 && counts.stopped > 0, `never met both: ${JSON.stringify(counts)}`);
    t.diagnostic(
      `${walks} walks, ${swaps} swaps, ${counts.through} came through, ${counts.stopped} were stopped`,
    );
  });
});

test('a symlink swapped in under changing messages is never followed', async (t) => {
  await inArenas(t, [], async (t, arena) => {
    const swapper = new Swapper(t, arena);
    await swapper.ready();
    const c = await arena.begin();
    const rounds = Math.max(200, Math.floor(WALKS / 500));
    for (let i = 0; i < rounds; i++) {
      const frames = [
        c.frame(T.walk, { fid: 0, newfid: 1, names: ['swap'] }, 1),
        c.frame(T.lcreate, { fid: 1, name: `planted${i}`, flags: 0o1102, mode: 0o644, gid: 0 }, 2),
        c.frame(T.clunk, { fid: 1 }, 3),
        c.frame(T.walk, { fid: 0, newfid: 2, names: ['swap'] }, 4),
        c.frame(T.mkdir, { dfid: 2, name: `made${i}`, mode: 0o755, gid: 0 }, 5),
        c.frame(T.unlinkat, { fid: 2, name: 'secret', flags: 0 }, 6),
        c.frame(T.symlink, { dfid: 2, name: `link${i}`, name2: CANARY.slice(0, 5), gid: 0 }, 7),
        c.frame(T.renameat, { fid: 2, name: 'dir', newdirfid: 0, name2: `stolen${i}` }, 8),
        c.frame(T.clunk, { fid: 2 }, 9),
        c.frame(T.walk, { fid: 0, newfid: 3, names: ['plain'] }, 10),
        c.frame(T.setattr, { fid: 3, mask: 0x8, attr: { size: 1 } }, 11),
        c.frame(T.setattr, { fid: 3, mask: 0x1, attr: { mode: 0o600 } }, 12),
        c.frame(T.lopen, { fid: 3, flags: 0o1001 }, 13),
        c.frame(T.clunk, { fid: 3 }, 14),
        c.frame(T.walk, { fid: 0, newfid: 4, names: [] }, 15),
        c.frame(T.lcreate, { fid: 4, name: 'plain', flags: 0o1101, mode: 0o644, gid: 0 }, 16),
        c.frame(T.write, { fid: 4, offset: 0, data: 'overwritten' }, 17),
        c.frame(T.clunk, { fid: 4 }, 18),
        c.frame(T.walk, { fid: 0, newfid: 5, names: ['plain'] }, 19),
        c.frame(T.remove, { fid: 5 }, 20),
      ];
      // Tremove last, and seldom: the swapper needs its file.
      const some = i === rounds - 1 ? frames : frames.slice(0, 18);
      c.send(Buffer.concat(some));
      for (let n = 0; n < some.length; n++) assert.ok((await c.next()) !== undefined, 'the server closed');
    }
    assert.ok((await swapper.stop()) > 100);
    await arena.check();
  });
});
