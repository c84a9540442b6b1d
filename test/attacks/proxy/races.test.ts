// SPDX-License-Identifier: MIT
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import * as fs from 'node:fs';
import { describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { cannotAttack, inProxyArenas, type ProxyArena } from './arena.ts';

/** Requests of each kind against the swapping process. */
const TRIES = Number(process.env.NINEFOLD_PROXY_TRIES ?? 3000);

/**
 * Exchanges `swap` (a folder with `who`) with a symlink to another folder that has a `who`, and `file` with a fifo, as fast as it can, until its stdin
 * closes: renameat2(2) with RENAME_EXCHANGE, so that there is always one of the two. Then says how often.
 */
const SWAPPER = `
import ctypes, os, sys, threading
libc = ctypes.CDLL(None); share = sys.argv[1].encode()
for d in (b'/swap', b'/other'):
    os.mkdir(share + d); open(share + d + b'/who', 'w').write('swap' if d == b'/swap' else 'OTHER')
os.symlink('other', share + b'/link'); os.mkfifo(share + b'/pipe'); open(share + b'/plain', 'w').write('plain')
stop = threading.Event()
def wait(): sys.stdin.read(); stop.set()
threading.Thread(target=wait, daemon=True).start()
# Waits for a reader of the fifo: it must never come.
def writer():
    try: os.open(share + b'/pipe-again', os.O_WRONLY); print('WOKEN', flush=True)
    except OSError: pass
os.link(share + b'/pipe', share + b'/pipe-again')
threading.Thread(target=writer, daemon=True).start()
print('ready', flush=True)
n = 0
while not stop.is_set():
    libc.renameat2(-100, share + b'/swap', -100, share + b'/link', 2)
    libc.renameat2(-100, share + b'/plain', -100, share + b'/pipe', 2)
    n += 1
print(n, flush=True)
os._exit(0)
`;

class Swapper {
  private readonly child: ChildProcess;
  text = '';
  private readonly ended: Promise<unknown>;

  constructor(share: string) {
    this.child = spawn('python3', ['-c', SWAPPER, share], { stdio: ['pipe', 'pipe', 'inherit'] });
    this.child.stdout?.on('data', (d: Buffer) => (this.text += d.toString()));
    this.ended = new Promise((resolve) => this.child.once('close', resolve));
  }

  kill(): void {
    this.child.kill('SIGKILL');
  }

  async ready(): Promise<void> {
    while (!this.text.includes('ready')) await sleep(5);
    await sleep(50);
  }

  async stop(): Promise<number> {
    this.child.stdin?.end();
    await this.ended;
    return Number(this.text.trim().split('\n').at(-1));
  }
}

/** Sends `TRIES` requests while the swapper swaps; signals and its words are heard between them. */
async function during(a: ProxyArena, one: (i: number) => void): Promise<Swapper> {
  const swapper = new Swapper(a.share);
  try {
    await swapper.ready();
    for (let i = 0; i < TRIES; i++) {
      one(i);
      if (i % 100 === 0) await sleep(1);
    }
    const swaps = await swapper.stop();
    assert.ok(swaps > 100, `only ${swaps} swaps`);
    return swapper;
  } finally {
    // Not later: while it swaps, the folder cannot be removed, and what is to be done after a test ends with the first thing that fails.
    swapper.kill();
  }
}

describe('symlinks and fifos swapped in during a request', { skip: cannotAttack() }, () => {
  test('no request ever goes through the link', async (t) => {
    await inProxyArenas(t, async (a) => {
      let served = 0;
      await during(a, (i) => {
        const path = i % 2 === 0 ? '/swap/who' : '/link/who';
        const r = a.client.call('open', { path, flags: 0 });
        if (r.fd >= 0) {
          served++;
          const text = fs.readFileSync(r.fd, 'utf8');
          fs.closeSync(r.fd);
          assert.equal(text, 'swap', 'went through the link');
        }
        // What is made there must not land beside the other `who`.
        a.ask('mkdir', { path: `/swap/made-${i}`, mode: 0o755, uid: 1000, gid: 1000 });
      });
      assert.ok(served > 0, 'nothing was served');
      assert.deepEqual(fs.readdirSync(`${a.share}/other`), ['who']);
      for (const name of ['swap', 'link'])
        if (fs.lstatSync(`${a.share}/${name}`).isDirectory())
          fs.rmSync(`${a.share}/${name}`, { recursive: true });
    });
  });

  test('the fifo is never opened', async (t) => {
    await inProxyArenas(t, async (a) => {
      let served = 0;
      const swapper = await during(a, (i) => {
        const flags = i % 3 === 0 ? 0o4002 : 0;
        if (a.ask('open', { path: '/plain', flags }) === 0) served++;
        if (i % 5 === 0) a.ask('truncate', { path: '/plain', length: 5 });
      });
      assert.ok(served > 0, 'nothing was served');
      assert.ok(!swapper.text.includes('WOKEN'), 'the fifo was opened');
    });
  });
});
