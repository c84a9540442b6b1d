// SPDX-License-Identifier: MIT

import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import { F_RDLCK, F_UNLCK, F_WRLCK, O_RDONLY, O_RDWR, O_WRONLY } from '../../../src/base/sys.ts';
import { type Cases, type Ctx, fails } from '../case.ts';

const opened = (c: Ctx, count: number, flags = O_RDWR): number[] => {
  const path = c.file('f', 'x'.repeat(1000));
  return Array.from({ length: count }, () => {
    const fd = fs.openSync(path, flags);
    c.after(() => fs.closeSync(fd));
    return fd;
  });
};

/**
 * Opens `args[0]` and obeys, one line each: `lock|wait|share|unlock START LEN` by fcntl (`wait` blocks), `test START LEN`, `flock EX|SH|UN`, `reopen`.
 */
export const LOCKER = `
fd = os.open(args[0], os.O_RDWR); other = None
def fcntl_lock(cmd, kind, start, length): return fcntl.fcntl(fd, cmd, struct.pack('hhqqi4x', kind, 0, start, length, 0))
say(os.getpid())
while (line := hear()):
    word, *rest = line.split(' '); n = [int(r) for r in rest if r.lstrip('-').isdigit()]
    if word == 'lock': say(tried(lambda: fcntl_lock(fcntl.F_SETLK, fcntl.F_WRLCK, *n)))
    elif word == 'wait': say(tried(lambda: fcntl_lock(fcntl.F_SETLKW, fcntl.F_WRLCK, *n)))
    elif word == 'share': say(tried(lambda: fcntl_lock(fcntl.F_SETLK, fcntl.F_RDLCK, *n)))
    elif word == 'unlock': say(tried(lambda: fcntl_lock(fcntl.F_SETLK, fcntl.F_UNLCK, *n)))
    elif word == 'test':
        kind, _, start, length, pid = struct.unpack('hhqqi4x', fcntl_lock(fcntl.F_GETLK, fcntl.F_WRLCK, *n))
        say('free' if kind == fcntl.F_UNLCK else 'held %d %d %d' % (start, length, pid))
    elif word == 'flock': say(tried(lambda: fcntl.flock(fd, {'EX': fcntl.LOCK_EX, 'SH': fcntl.LOCK_SH, 'UN': fcntl.LOCK_UN}[rest[0]] | fcntl.LOCK_NB)))
    elif word == 'reopen': os.close(os.open(args[0], os.O_RDONLY)); say('ok')
    elif word == 'fork':
        pid = os.fork()
        if pid == 0: say(tried(lambda: fcntl_lock(fcntl.F_SETLK, fcntl.F_WRLCK, *n))); os._exit(0)
        os.waitpid(pid, 0)
`;

export const taken = ['EAGAIN', 'EACCES'];

/** Byte-range locks: fcntl(2) by process and by open file, and flock(2). */
export const lockCases: Cases = {
  'two opens of one file: a write lock keeps the other out': (c) => {
    const [a, b] = opened(c, 2) as [number, number];
    c.k.lock(a, F_WRLCK, 0, 100);
    fails(taken, () => c.k.lock(b, F_WRLCK, 50, 10));
    fails(taken, () => c.k.lock(b, F_RDLCK, 99, 1));
    c.k.lock(b, F_WRLCK, 100, 10);
    c.k.lock(a, F_UNLCK, 0, 100);
    c.k.lock(b, F_WRLCK, 0, 100);
  },
  'read locks share, and keep a writer out': (c) => {
    const [a, b, d] = opened(c, 3) as [number, number, number];
    c.k.lock(a, F_RDLCK, 0, 100);
    c.k.lock(b, F_RDLCK, 50, 100);
    fails(taken, () => c.k.lock(d, F_WRLCK, 60, 1));
    c.k.lock(a, F_UNLCK, 0, 0);
    fails(taken, () => c.k.lock(d, F_WRLCK, 60, 1));
    c.k.lock(b, F_UNLCK, 0, 0);
    c.k.lock(d, F_WRLCK, 60, 1);
  },
  'unlocking the middle splits the range': (c) => {
    const [a, b] = opened(c, 2) as [number, number];
    c.k.lock(a, F_WRLCK, 0, 100);
    c.k.lock(a, F_UNLCK, 40, 20);
    c.k.lock(b, F_WRLCK, 40, 20);
    fails(taken, () => c.k.lock(b, F_WRLCK, 39, 1));
    fails(taken, () => c.k.lock(b, F_WRLCK, 60, 1));
  },
  'length 0 goes to the end, however far that moves': (c) => {
    const [a, b] = opened(c, 2) as [number, number];
    c.k.lock(a, F_WRLCK, 500, 0);
    fails(taken, () => c.k.lock(b, F_WRLCK, 2n ** 62n, 1));
    c.k.lock(b, F_WRLCK, 0, 500);
  },
  'the lock in the way is told': (c) => {
    const [a, b] = opened(c, 2) as [number, number];
    assert.equal(c.k.lockInTheWay(b, F_WRLCK, 0, 0).type, F_UNLCK);
    c.k.lock(a, F_WRLCK, 10, 20);
    const l = c.k.lockInTheWay(b, F_RDLCK, 0, 100);
    assert.deepEqual([l.type, l.start, l.len], [F_WRLCK, 10, 20]);
    assert.equal(c.k.lockInTheWay(b, F_WRLCK, 30, 10).type, F_UNLCK);
    assert.equal(c.k.lockInTheWay(a, F_WRLCK, 0, 100).type, F_UNLCK);
  },
  'one descriptor turns its own lock from write to read and back': (c) => {
    const [a, b] = opened(c, 2) as [number, number];
    c.k.lock(a, F_WRLCK, 0, 10);
    c.k.lock(a, F_RDLCK, 0, 10);
    c.k.lock(b, F_RDLCK, 0, 10);
    fails(taken, () => c.k.lock(a, F_WRLCK, 0, 10));
    c.k.lock(b, F_UNLCK, 0, 10);
    c.k.lock(a, F_WRLCK, 0, 10);
  },
  'closing the descriptor drops its lock, and only its own': (c) => {
    const path = c.file('f', 'abc');
    const [a, b, d] = [fs.openSync(path, O_RDWR), fs.openSync(path, O_RDWR), fs.openSync(path, O_RDWR)];
    c.k.lock(a, F_WRLCK, 0, 1);
    c.k.lock(b, F_WRLCK, 1, 1);
    fs.closeSync(a);
    c.k.lock(d, F_WRLCK, 0, 1);
    fails(taken, () => c.k.lock(d, F_WRLCK, 1, 1));
    fs.closeSync(b);
    c.k.lock(d, F_WRLCK, 1, 1);
    fs.closeSync(d);
  },
  'a write lock needs a descriptor for writing, a read lock one for reading': (c) => {
    const [r] = opened(c, 1, O_RDONLY) as [number];
    fails('EBADF', () => c.k.lock(r, F_WRLCK, 0, 1));
    const w = fs.openSync(c.at('f'), O_WRONLY);
    fails('EBADF', () => c.k.lock(w, F_RDLCK, 0, 1));
    fs.closeSync(w);
  },
  'ranges near 2^63': (c) => {
    const [a, b] = opened(c, 2) as [number, number];
    c.k.lock(a, F_WRLCK, 2n ** 63n - 2n, 1);
    fails(taken, () => c.k.lock(b, F_WRLCK, 2n ** 63n - 10n, 0));
    c.k.lock(b, F_WRLCK, 2n ** 32n, 2 ** 32);
    fails('EINVAL', () => c.k.lock(a, F_WRLCK, -1, 1));
  },
  'fcntl locks of two processes': async (c) => {
    const path = c.file('f', 'abc');
    const [a, b] = [c.python.start(LOCKER, path), c.python.start(LOCKER, path)];
    const pid = await a.hear();
    await b.hear();
    assert.equal(await a.ask('lock 0 10'), 'ok');
    assert.ok(taken.includes(await b.ask('lock 5 1')));
    assert.equal(await b.ask('lock 10 5'), 'ok');
    assert.equal(await b.ask('test 0 5'), `held 0 10 ${pid}`);
    assert.equal(await a.ask('unlock 0 10'), 'ok');
    assert.equal(await b.ask('test 0 5'), 'free');
    assert.equal(await b.ask('lock 0 10'), 'ok');
  },
  'shared fcntl locks of two processes': async (c) => {
    const path = c.file('f', 'abc');
    const [a, b] = [c.python.start(LOCKER, path), c.python.start(LOCKER, path)];
    await a.hear();
    await b.hear();
    assert.deepEqual([await a.ask('share 0 10'), await b.ask('share 0 10')], ['ok', 'ok']);
    assert.ok(taken.includes(await a.ask('lock 0 10')));
    assert.equal(await b.ask('unlock 0 10'), 'ok');
    assert.equal(await a.ask('lock 0 10'), 'ok');
  },
  'a waiting process gets the lock when it is given back': async (c) => {
    const path = c.file('f', 'abc');
    const [a, b] = [c.python.start(LOCKER, path), c.python.start(LOCKER, path)];
    await a.hear();
    await b.hear();
    assert.equal(await a.ask('lock 0 0'), 'ok');
    b.say('wait 0 0');
    const got = b.hear();
    const early = await Promise.race([
      got,
      new Promise((resolve) => setTimeout(resolve, 150, 'still waiting')),
    ]);
    assert.equal(early, 'still waiting');
    assert.equal(await a.ask('unlock 0 0'), 'ok');
    assert.equal(await got, 'ok');
    assert.ok(taken.includes(await a.ask('lock 0 1')));
  },
  'a process that dies gives its locks back': async (c) => {
    const path = c.file('f', 'abc');
    const [a, b] = [c.python.start(LOCKER, path), c.python.start(LOCKER, path)];
    await a.hear();
    await b.hear();
    assert.equal(await a.ask('lock 0 0'), 'ok');
    assert.ok(taken.includes(await b.ask('lock 0 0')));
    await a.kill();
    assert.equal(await b.ask('wait 0 0'), 'ok');
  },
  'a waiting process can be killed, and leaves no lock': async (c) => {
    const path = c.file('f', 'abc');
    const [a, b, d] = [0, 1, 2].map(() => c.python.start(LOCKER, path)) as [
      ReturnType<typeof c.python.start>,
      ReturnType<typeof c.python.start>,
      ReturnType<typeof c.python.start>,
    ];
    for (const p of [a, b, d]) await p.hear();
    assert.equal(await a.ask('lock 0 0'), 'ok');
    b.say('wait 0 0');
    await new Promise((resolve) => setTimeout(resolve, 100));
    await b.kill();
    assert.equal(await a.ask('unlock 0 0'), 'ok');
    assert.equal(await d.ask('lock 0 0'), 'ok');
  },
  'closing any descriptor of the file drops the fcntl locks of the process': async (c) => {
    const path = c.file('f', 'abc');
    const [a, b] = [c.python.start(LOCKER, path), c.python.start(LOCKER, path)];
    await a.hear();
    await b.hear();
    assert.equal(await a.ask('lock 0 0'), 'ok');
    assert.equal(await a.ask('reopen'), 'ok');
    assert.equal(await b.ask('lock 0 0'), 'ok');
  },
  'a forked child does not own its parent\u2019s fcntl lock': async (c) => {
    const p = c.python.start(LOCKER, c.file('f', 'abc'));
    await p.hear();
    assert.equal(await p.ask('lock 0 0'), 'ok');
    assert.ok(taken.includes(await p.ask('fork 0 0')));
  },
  'open-file locks and fcntl locks keep each other out': async (c) => {
    const [a] = opened(c, 1) as [number];
    const p = c.python.start(LOCKER, c.at('f'));
    await p.hear();
    c.k.lock(a, F_WRLCK, 0, 10);
    assert.ok(taken.includes(await p.ask('lock 0 1')));
    assert.equal(await p.ask('lock 10 1'), 'ok');
    fails(taken, () => c.k.lock(a, F_WRLCK, 10, 1));
  },
  'flock of two processes: exclusive, shared, given back': async (c) => {
    const path = c.file('f', 'abc');
    const [a, b] = [c.python.start(LOCKER, path), c.python.start(LOCKER, path)];
    await a.hear();
    await b.hear();
    assert.equal(await a.ask('flock EX'), 'ok');
    assert.ok(taken.includes(await b.ask('flock EX')));
    assert.ok(taken.includes(await b.ask('flock SH')));
    assert.equal(await a.ask('flock SH'), 'ok');
    assert.equal(await b.ask('flock SH'), 'ok');
    assert.ok(taken.includes(await a.ask('flock EX')));
    assert.equal(await b.ask('flock UN'), 'ok');
    assert.equal(await a.ask('flock EX'), 'ok');
    await a.kill();
    assert.equal(await b.ask('flock EX'), 'ok');
  },
  'locks are of the file, not of its name': (c) => {
    const path = c.file('f', 'abc');
    fs.linkSync(path, c.at('g'));
    const [a, b] = [fs.openSync(path, O_RDWR), fs.openSync(c.at('g'), O_RDWR)];
    c.k.lock(a, F_WRLCK, 0, 0);
    fails(taken, () => c.k.lock(b, F_WRLCK, 0, 0));
    fs.unlinkSync(path);
    fails(taken, () => c.k.lock(b, F_WRLCK, 0, 0));
    fs.closeSync(a);
    c.k.lock(b, F_WRLCK, 0, 0);
    fs.closeSync(b);
  },
};
