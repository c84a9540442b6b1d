// SPDX-License-Identifier: MIT
// POSIX locks (fcntl(2)) end with any close(2) of the file by the process that has them, and with its end.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { cannotMount } from '../helpers/cli.ts';
import { pair } from './pair.ts';

const reason = cannotMount() ?? (process.geteuid?.() === 0 ? undefined : 'mounts as root only');
const here = reason === undefined ? {} : { skip: reason };

const HELPERS = `
import fcntl, os, struct, threading, time
W, R = fcntl.F_WRLCK, fcntl.F_RDLCK
def lock(fd, kind, wait=False):
    fcntl.fcntl(fd, fcntl.F_SETLKW if wait else fcntl.F_SETLK, struct.pack('hhqqi4x', kind, 0, 0, 0, 0))
def other(path):
    # Does another process get it?
    r, w = os.pipe(); pid = os.fork()
    if pid == 0:
        try:
            lock(os.open(path, os.O_RDWR), W); os.write(w, b'gets it')
        except OSError as e: os.write(w, e.strerror.encode())
        os._exit(0)
    os.close(w); said = os.read(r, 100).decode(); os.close(r); os.waitpid(pid, 0); return said
def new(name):
    with open(name, 'w') as f: f.write('x' * 100)
    return name
`;

for (const [what, script, said] of [
  [
    'a descriptor only to read, opened before the lock, is closed',
    `f1 = os.open(new('a'), os.O_RDONLY); f2 = os.open('a', os.O_RDWR); lock(f2, W)
before = other('a'); os.close(f1); print(before, other('a'), sep=', ')`,
    'Resource temporarily unavailable, gets it',
  ],
  [
    'a copy of the descriptor is closed',
    `f1 = os.open(new('a'), os.O_RDONLY); lock(f1, R); f2 = os.dup(f1)
before = other('a'); os.close(f2); print(before, other('a'), sep=', ')`,
    'Resource temporarily unavailable, gets it',
  ],
  [
    'the process ends, and its parent still has the descriptor',
    `f1 = os.open(new('a'), os.O_RDONLY)
pid = os.fork()
if pid == 0:
    lock(f1, R); os._exit(0)
os.waitpid(pid, 0); print(other('a'))`,
    'gets it',
  ],
  [
    'a thread waits for a lock while another closes a descriptor: it gets that lock, when it is free, and no other',
    `new('a'); new('victim')
r, w = os.pipe(); r2, w2 = os.pipe()
pid = os.fork()
if pid == 0:
    fd = os.open('a', os.O_RDWR); lock(fd, W); os.write(w, b'1'); os.read(r2, 1); os._exit(0)
os.read(r, 1)
f1, f2 = os.open('a', os.O_RDWR), os.open('a', os.O_RDWR)
got = []
def wait(): lock(f1, W, True); got.append('locked')
t = threading.Thread(target=wait); t.start(); time.sleep(0.3)
os.close(f2)
# One of these may get the number of the fid that went.
others = [os.open('victim', os.O_RDWR) for _ in range(4)]
time.sleep(1)
print(*got, other('victim'), sep=', ')
os.write(w2, b'1'); os.waitpid(pid, 0); t.join(5)
print(*got, other('a'), sep=', ')`,
    'gets it\nlocked, Resource temporarily unavailable',
  ],
] as const)
  test(what, here, async (t) => {
    const p = await pair(t, () => undefined);
    const ran = await p.sh(`python3 - <<'END'\n${HELPERS}${script}\nEND`, 20_000);
    assert.deepEqual([ran.err, ran.out], ['', `${said}\n`]);
  });
