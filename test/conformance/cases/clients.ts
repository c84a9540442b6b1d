// SPDX-License-Identifier: MIT

import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import { O_CREAT, O_EXCL, O_RDONLY, O_RDWR, O_WRONLY } from '../../../src/base/sys.ts';
import { type Case, type Cases, type Ctx, codeOf, fails } from '../case.ts';
import { many, SLOWNESS } from '../patience.ts';
import { LOCKER, taken } from './locks.ts';

/** How long one client may take to notice what another did. Milliseconds. */
const PATIENCE_MS = 3000 * Math.min(SLOWNESS, 4);
/** No watch of a folder tells that a file in it was given another name: what is remembered of the file is good for ten seconds (mount/cache-policy.ts). */
const LINKS_MS = 10_000 + PATIENCE_MS;

/** Makes a file here and waits until the other client has noticed: a client may take a folder's listing for the whole for a second. */
async function shared(c: Ctx, name: string, content = 'abc'): Promise<string> {
  const path = c.file(name, content);
  await soon(() => fs.statSync(c.there(name)));
  return path;
}

/** Tries until it passes: what another client did is seen after a while at the latest. */
async function soon(fn: () => void, patienceMs = PATIENCE_MS): Promise<void> {
  const end = performance.now() + patienceMs;
  for (;;) {
    try {
      return fn();
    } catch (error) {
      if (performance.now() > end) throw error;
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

const text = (path: string): string => fs.readFileSync(path, 'utf8');
const code = (fn: () => unknown): string => {
  try {
    fn();
    return 'ok';
  } catch (error) {
    return codeOf(error) ?? String(error);
  }
};

const APPENDER = `fd = os.open(args[0], os.O_WRONLY | os.O_APPEND); hear()
for i in range(200): os.write(fd, (args[1] * 20 + ' %d\\n' % i).encode())
say('done')`;

const plain: Cases = {
  'what one makes the other finds': async (c) => {
    c.file('f', 'abc');
    c.folder('d');
    fs.symlinkSync('x', c.at('l'));
    await soon(() => {
      assert.equal(text(c.there('f')), 'abc');
      assert.ok(fs.lstatSync(c.there('d')).isDirectory());
      assert.equal(fs.readlinkSync(c.there('l')), 'x');
      assert.deepEqual(fs.readdirSync(c.there()).sort(), ['d', 'f', 'l']);
    });
  },
  'a name that was not there is found once the other made it': async (c) => {
    fails('ENOENT', () => fs.statSync(c.there('late')));
    c.file('late', 'abc');
    await soon(() => assert.equal(text(c.there('late')), 'abc'));
  },
  'what one wrote and closed the other reads when it opens': async (c) => {
    await shared(c, 'f', 'one');
    assert.equal(text(c.there('f')), 'one');
    for (const word of ['two', 'three', 'a longer text', 'x']) {
      fs.writeFileSync(c.at('f'), word);
      await soon(() => assert.equal(text(c.there('f')), word));
    }
  },
  'a listing shows what the other made and removed': async (c) => {
    assert.deepEqual(fs.readdirSync(c.there()), []);
    for (let i = 0; i < 20; i++) c.file(`f${i}`);
    await soon(() => assert.equal(fs.readdirSync(c.there()).length, 20));
    for (let i = 0; i < 10; i++) fs.unlinkSync(c.at(`f${i}`));
    await soon(() => assert.equal(fs.readdirSync(c.there()).length, 10));
  },
  'mode, size and times that one sets the other sees': async (c) => {
    await shared(c, 'f');
    assert.equal(fs.statSync(c.there('f')).size, 3);
    fs.chmodSync(c.at('f'), 0o600);
    fs.truncateSync(c.at('f'), 100);
    c.k.utimens(c.at('f'), { sec: 1000, nsec: 0 }, { sec: 2000, nsec: 0 });
    await soon(() => {
      const s = fs.statSync(c.there('f'));
      assert.deepEqual([s.mode & 0o777, s.size, s.mtimeMs], [0o600, 100, 2_000_000]);
    });
  },
  'an attribute that one sets the other reads': async (c) => {
    c.need('xattr');
    await shared(c, 'f', '');
    fails('ENODATA', () => c.k.getxattr(c.there('f'), 'user.v'));
    c.k.setxattr(c.at('f'), 'user.v', 'from here');
    await soon(() => assert.equal(c.k.getxattr(c.there('f'), 'user.v').toString(), 'from here'));
  },
  'two clients that append lose nothing and mix nothing': async (c) => {
    c.file('log');
    await soon(() => fs.statSync(c.there('log')));
    const writers = [c.at('log'), c.there('log')].map((path, i) =>
      c.python.start(APPENDER, path, 'ab'[i] as string),
    );
    for (const w of writers) w.say('go');
    for (const w of writers) assert.equal(await w.hear(), 'done');
    await soon(() => {
      for (const path of [c.at('log'), c.there('log')]) {
        const lines = text(path).trimEnd().split('\n');
        assert.equal(lines.length, 400);
        for (const letter of 'ab')
          assert.deepEqual(
            lines.filter((l) => l.startsWith(letter)),
            Array.from({ length: 200 }, (_, i) => `${letter.repeat(20)} ${i}`),
          );
      }
    });
  },
  'of two clients that create one name with O_EXCL, one wins': async (c) => {
    const racer = `hear(); won = 0
for i in range(30): won += tried(lambda: os.close(os.open(args[0] + str(i), os.O_WRONLY|os.O_CREAT|os.O_EXCL))) == 'ok'
say(won)`;
    const racers = [c.at('race'), c.there('race')].map((path) => c.python.start(racer, path));
    for (const r of racers) r.say('go');
    const won = await Promise.all(racers.map(async (r) => Number(await r.hear())));
    assert.equal(
      won.reduce((a, b) => a + b),
      30,
    );
  },
  'of two clients that make one folder, one wins, and both can use it': async (c) => {
    for (let i = 0; i < 10; i++) {
      const results = [c.at(`d${i}`), c.there(`d${i}`)].map((path) => code(() => fs.mkdirSync(path)));
      assert.deepEqual(results.sort(), ['EEXIST', 'ok']);
      fs.writeFileSync(c.at(`d${i}`, 'a'), '');
      fs.writeFileSync(c.there(`d${i}`, 'b'), '');
    }
    await soon(() => assert.deepEqual(fs.readdirSync(c.at('d9')).sort(), ['a', 'b']));
  },
  'a removed name is gone for the other': async (c) => {
    await shared(c, 'f');
    assert.equal(text(c.there('f')), 'abc');
    fs.unlinkSync(c.at('f'));
    await soon(() => fails(['ENOENT', 'ESTALE'], () => fs.openSync(c.there('f'), O_RDONLY)));
    await soon(() => fails('ENOENT', () => fs.statSync(c.there('f'))));
  },
  'a file that one removed the other still reads and writes through its descriptor': async (c) => {
    await shared(c, 'f');
    const fd = fs.openSync(c.there('f'), O_RDWR);
    fs.unlinkSync(c.at('f'));
    assert.equal(c.k.pread(fd, 10, 0).toString(), 'abc');
    c.k.pwrite(fd, 'XYZ', 0);
    assert.equal(c.k.pread(fd, 10, 0).toString(), 'XYZ');
    fs.closeSync(fd);
  },
  'a file that one removed the other still changes by its descriptor: mode, times, size, attributes, opening anew':
    async (c) => {
      await shared(c, 'f');
      fs.closeSync(fs.openSync(c.there('f'), O_RDONLY));
      const fd = fs.openSync(c.there('f'), O_RDWR);
      fs.unlinkSync(c.at('f'));
      // The other notices, and has no name for it any more.
      await soon(() => fails('ENOENT', () => fs.statSync(c.there('f'))));
      fs.fchmodSync(fd, 0o600);
      fs.ftruncateSync(fd, 2);
      if (c.caps.xattr === true) c.k.setxattr(fd, 'user.v', 'x');
      c.k.futimens(fd, { sec: 5, nsec: 0 }, { sec: 6, nsec: 0 });
      const s = fs.fstatSync(fd);
      assert.deepEqual([s.mode & 0o777, s.size, s.mtimeMs, s.nlink], [0o600, 2, 6000, 0]);
      const again = fs.openSync(`/proc/self/fd/${fd}`, O_RDONLY);
      assert.equal(c.k.pread(again, 10, 0).toString(), 'ab');
      fs.closeSync(again);
      fs.closeSync(fd);
    },
  'a file whose name one gives to another file the other still changes by its descriptor': async (c) => {
    await shared(c, 'f');
    const fd = fs.openSync(c.there('f'), O_RDWR);
    c.file('g', 'new');
    fs.renameSync(c.at('g'), c.at('f'));
    await soon(() => assert.equal(text(c.there('f')), 'new'));
    fs.fchmodSync(fd, 0o600);
    c.k.futimens(fd, { sec: 5, nsec: 0 }, { sec: 6, nsec: 0 });
    assert.equal(fs.fstatSync(fd).mode & 0o777, 0o600);
    assert.equal(fs.statSync(c.at('f')).mode & 0o777, 0o644);
    fs.closeSync(fd);
  },
  'a file that one renames stays open for the other': async (c) => {
    c.folder('d');
    await shared(c, 'f');
    const fd = fs.openSync(c.there('f'), O_RDWR);
    fs.renameSync(c.at('f'), c.at('d', 'g'));
    c.k.pwrite(fd, 'X', 0);
    fs.fsyncSync(fd);
    fs.closeSync(fd);
    assert.equal(text(c.at('d', 'g')), 'Xbc');
  },
  'a renamed folder is found at its new place by the other': async (c) => {
    c.folder('a');
    await shared(c, 'a/f');
    assert.equal(text(c.there('a', 'f')), 'abc');
    fs.renameSync(c.at('a'), c.at('z'));
    await soon(() => assert.equal(text(c.there('z', 'f')), 'abc'));
    await soon(() => fails(['ENOENT', 'ESTALE'], () => fs.openSync(c.there('a', 'f'), O_RDONLY)));
  },
  'a name that turns from a file into a folder does so for the other': async (c) => {
    await shared(c, 'x');
    assert.equal(text(c.there('x')), 'abc');
    fs.unlinkSync(c.at('x'));
    c.folder('x');
    c.file('x/f', 'inside');
    await soon(() => assert.equal(text(c.there('x', 'f')), 'inside'));
    await soon(() => assert.ok(fs.statSync(c.there('x')).isDirectory()));
  },
  'a file that one keeps replacing is whole for the other, old or new': async (c) => {
    await shared(c, 'f', 'x'.repeat(5000));
    const writer = c.python.start(
      `hear()
for i in range(${many(100)}):
    with open(args[0] + '.new', 'w') as o: o.write('xy'[i % 2] * 5000)
    os.rename(args[0] + '.new', args[0])
say('done')`,
      c.there('f'),
    );
    writer.say('go');
    let done = false;
    const end = writer.hear().finally(() => (done = true));
    end.catch(() => {});
    while (!done) {
      const b = Buffer.alloc(6000);
      // Between a lookup and its open the name may have gone to the next file: a client may answer ESTALE or ENOENT, and a program tries again.
      const r = code(() => {
        const fd = fs.openSync(c.at('f'), O_RDONLY);
        const n = fs.readSync(fd, b);
        fs.closeSync(fd);
        assert.match(b.subarray(0, n).toString(), /^(x{5000}|y{5000})$/);
      });
      assert.ok(['ok', 'ESTALE', 'ENOENT'].includes(r), r);
      await new Promise((resolve) => setImmediate(resolve));
    }
    await end;
    await soon(() => assert.equal(text(c.at('f')), 'xy'[(many(100) - 1) % 2]?.repeat(5000)));
  },
  'of two clients that rename one file away, one wins': async (c) => {
    for (let i = 0; i < 10; i++) {
      await shared(c, `f${i}`);
      const first = code(() => fs.renameSync(c.at(`f${i}`), c.at(`a${i}`)));
      const second = code(() => fs.renameSync(c.there(`f${i}`), c.there(`b${i}`)));
      assert.deepEqual([first, second], ['ok', 'ENOENT']);
    }
  },
  'hard links made by one count for the other': async (c) => {
    await shared(c, 'f');
    assert.equal(fs.statSync(c.there('f')).nlink, 1);
    fs.linkSync(c.at('f'), c.at('g'));
    await soon(() => assert.equal(fs.statSync(c.there('f')).nlink, 2), LINKS_MS);
    await soon(() => assert.equal(text(c.there('g')), 'abc'));
    fs.unlinkSync(c.there('f'));
    await soon(() => assert.equal(fs.statSync(c.at('g')).nlink, 1));
  },
  'a folder that one fills the other cannot remove': async (c) => {
    c.folder('d');
    await soon(() => assert.deepEqual(fs.readdirSync(c.there('d')), []));
    c.file('d/f');
    fails(['ENOTEMPTY', 'EEXIST'], () => fs.rmdirSync(c.there('d')));
    fs.unlinkSync(c.at('d', 'f'));
    await soon(() => fs.rmdirSync(c.there('d')));
    await soon(() => fails('ENOENT', () => fs.statSync(c.at('d'))));
  },
  'nothing is made in a folder that the other removed': async (c) => {
    c.folder('d');
    await soon(() => fs.statSync(c.there('d')));
    const fd = fs.openSync(c.there('d'), O_RDONLY);
    fs.rmdirSync(c.at('d'));
    fails(['ENOENT', 'ESTALE'], () =>
      fs.openSync(`/proc/self/fd/${fd}/f`, O_WRONLY | O_CREAT | O_EXCL, 0o644),
    );
    fs.closeSync(fd);
  },
  'what one syncs the other reads through a descriptor that was open before': async (c) => {
    const path = await shared(c, 'f', 'before');
    const fd = fs.openSync(c.there('f'), O_RDONLY);
    assert.equal(c.k.pread(fd, 6, 0).toString(), 'before');
    const out = fs.openSync(path, O_RDWR);
    fs.writeSync(out, 'after!', 0);
    fs.fsyncSync(out);
    fs.closeSync(out);
    // As with NFS, a descriptor may show older bytes; one opened now may not.
    await soon(() => assert.equal(text(c.there('f')), 'after!'));
    fs.closeSync(fd);
  },
};

const locks: Cases = {
  'a lock of one client keeps the other out, until it is given back': async (c) => {
    const [a, b] = await lockers(c);
    assert.equal(await a.ask('lock 0 10'), 'ok');
    assert.ok(taken.includes(await b.ask('lock 5 1')));
    assert.equal(await b.ask('lock 10 5'), 'ok');
    assert.equal(await a.ask('unlock 0 10'), 'ok');
    assert.equal(await b.ask('lock 0 10'), 'ok');
  },
  'shared locks of two clients, and a writer kept out': async (c) => {
    const [a, b] = await lockers(c);
    assert.deepEqual([await a.ask('share 0 10'), await b.ask('share 0 10')], ['ok', 'ok']);
    assert.ok(taken.includes(await a.ask('lock 0 10')));
    assert.equal(await b.ask('unlock 0 10'), 'ok');
    assert.equal(await a.ask('lock 0 10'), 'ok');
  },
  'the lock of another client is told': async (c) => {
    const [a, b] = await lockers(c);
    assert.equal(await a.ask('lock 10 20'), 'ok');
    assert.match(await b.ask('test 0 100'), /^held 10 20 /);
    assert.equal(await b.ask('test 30 10'), 'free');
  },
  'the lock of a process that died is free for the other client': async (c) => {
    const [a, b] = await lockers(c);
    assert.equal(await a.ask('lock 0 0'), 'ok');
    assert.ok(taken.includes(await b.ask('lock 0 0')));
    await a.kill();
    assert.equal(await b.ask('wait 0 0'), 'ok');
  },
  'a waiting client gets the lock when the other gives it back': async (c) => {
    const [a, b] = await lockers(c);
    assert.equal(await a.ask('lock 0 0'), 'ok');
    b.say('wait 0 0');
    const got = b.hear();
    await new Promise((resolve) => setTimeout(resolve, 100));
    assert.equal(await a.ask('unlock 0 0'), 'ok');
    assert.equal(await got, 'ok');
    assert.ok(taken.includes(await a.ask('lock 0 1')));
  },
  'flock of two clients': async (c) => {
    const [a, b] = await lockers(c);
    assert.equal(await a.ask('flock EX'), 'ok');
    assert.ok(taken.includes(await b.ask('flock EX')));
    assert.equal(await a.ask('flock UN'), 'ok');
    assert.equal(await b.ask('flock EX'), 'ok');
  },
};

async function lockers(
  c: Ctx,
): Promise<[ReturnType<Ctx['python']['start']>, ReturnType<Ctx['python']['start']>]> {
  c.file('f', 'abc');
  await soon(() => fs.statSync(c.there('f')));
  const [a, b] = [c.python.start(LOCKER, c.at('f')), c.python.start(LOCKER, c.there('f'))];
  await a.hear();
  await b.hear();
  return [a, b];
}

const needing =
  (work: Case): Case =>
  async (c) => {
    c.need('second');
    await soon(() => fs.statSync(c.there()));
    await work(c);
  };

/** Two clients of one folder at once, each with its own connection and caches. */
export const clientCases: Cases = Object.fromEntries(
  Object.entries({ ...plain, ...locks }).map(([name, work]) => [name, needing(work)]),
);
