// SPDX-License-Identifier: MIT
// What users make through a mount of root's is given to them. Others, at the server, are at the same names between one message and the next: what they made is neither given away nor opened.

import assert from 'node:assert/strict';
import {
  chmodSync,
  chownSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { T } from '../../src/p9/messages.ts';
import { Between } from '../helpers/between.ts';
import { cannotMount } from '../helpers/cli.ts';
import { scratch } from '../helpers/places.ts';
import { mountOn } from '../hostile/rig.ts';

const reason = cannotMount() ?? (process.geteuid?.() === 0 ? undefined : 'gives away as root only');
const here = reason === undefined ? {} : { skip: reason };
const USER = 1234;

interface Ground {
  readonly share: string;
  readonly between: Between;
  /** What a python expression in the mount's folder says, as the user: a value, or the name of the error. */
  user(code: string): Promise<string>;
  root(code: string): Promise<string>;
  owner(name: string): string;
}

/** A mount of a share of its own, until `t` ends, which makes a new folder for each that asks. */
async function mounted(t: TestContext, plain: boolean, options = {}): Promise<() => Ground> {
  const share = join(scratch(t, 'given'), 'share');
  mkdirSync(share);
  const between = new Between(share, plain);
  const m = await mountOn(between.fd, options);
  t.after(async () => {
    await m.close();
    await between.end();
  });
  const as = async (name: string, uid: number, code: string): Promise<string> => {
    const script = `import os, errno
os.chdir('${name}')
os.setgroups([]); os.setgid(${uid}); os.setuid(${uid}); os.umask(0o022)
try: print(${code})
except OSError as e: print(errno.errorcode[e.errno])
`;
    const ran = await m.sh(`python3 - <<'P'\n${script}P`);
    assert.equal(ran.err, '');
    return ran.out.trim();
  };
  let folders = 0;
  return () => {
    const name = `d${folders++}`;
    const dir = join(share, name);
    mkdirSync(dir);
    chmodSync(dir, 0o1777);
    between.onRequest = undefined;
    between.onReply = undefined;
    return {
      share: dir,
      between,
      user: (code) => as(name, USER, code),
      root: (code) => as(name, 0, code),
      owner(n) {
        const s = lstatSync(join(dir, n));
        return `${s.uid} ${(s.mode & 0o7777).toString(8)}`;
      },
    };
  };
}

/** Does `act` before each message of one of these types that carries the name `x` arrives; `times` says how often it has come. */
function before(g: Ground, types: readonly number[], act: (times: number) => void): void {
  const counts = new Map<number, number>();
  g.between.onRequest = (type, m) => {
    if (!types.includes(type) || !m.includes('\x01\0x', 0, 'latin1')) return undefined;
    const times = (counts.get(type) ?? 0) + 1;
    counts.set(type, times);
    act(times);
    return undefined;
  };
}

function put(g: Ground, mode: number, content = 'secret'): void {
  const beside = join(g.share, '.beside');
  writeFileSync(beside, content);
  chmodSync(beside, mode);
  renameSync(beside, join(g.share, 'x'));
}

const OPEN = (flags: string): string => `os.read(os.open('x', os.O_RDWR | os.O_CREAT | ${flags}, 0o644), 99)`;
const MAKES: Record<string, [type: number, code: string]> = {
  mkdir: [T.mkdir, `os.mkdir('x')`],
  symlink: [T.symlink, `os.symlink('a', 'x')`],
  mknod: [T.mknod, `os.mknod('x', 0o104777)`],
  mkfifo: [T.mknod, `os.mkfifo('x')`],
};

for (const plain of [false, true]) {
  const dialect = plain ? 'a plain server' : 'our server';

  test(`${dialect} that acts as root`, here, async (t) => {
    const ground = await mounted(t, plain);

    await t.test(`what a user makes is theirs, set-id bits and all`, async () => {
      const g = ground();
      assert.equal(
        await g.user(
          `[os.mkdir('d'), os.symlink('a', 'l'), os.mkfifo('p'), os.mknod('n', 0o104711), os.open('f', os.O_CREAT | os.O_WRONLY, 0o640) > 0]`,
        ),
        '[None, None, None, None, True]',
      );
      const all = readdirSync(g.share).sort();
      assert.deepEqual(
        all.map((n) => `${n} ${g.owner(n)}`),
        ['d 1234 755', 'f 1234 640', 'l 1234 777', 'n 1234 4711', 'p 1234 644'],
      );
      assert.equal(
        await g.user(`[os.lstat(n).st_uid for n in ('d', 'f', 'l', 'n', 'p')]`),
        '[1234, 1234, 1234, 1234, 1234]',
      );
      assert.equal(await g.root(`os.mkdir('r')`), 'None');
      assert.equal(g.owner('r'), '0 755');
    });

    await t.test(`a creation that fails leaves the folder to whom it belongs`, async () => {
      const g = ground();
      before(g, [T.lcreate], () => put(g, 0o600));
      assert.equal(await g.user(OPEN('os.O_EXCL')), 'EEXIST');
      assert.equal(g.owner('.'), '0 1777');
      assert.equal(g.owner('x'), '0 600');
    });

    // The name is looked up anew however the mount knows the folder.
    for (const known of ['unknown', 'listed']) {
      const open = known === 'listed' ? `[os.listdir('.'), ${OPEN('0')}][1]` : OPEN('0');

      await t.test(`a file that others make meanwhile is opened by its permissions (${known})`, async () => {
        const g = ground();
        before(g, [T.lcreate], () => put(g, 0o666));
        assert.equal(await g.user(open), `b'secret'`);
        assert.equal(g.owner('x'), '0 666');
      });

      await t.test(`and not at all by who has none (${known})`, async () => {
        const g = ground();
        before(g, [T.lcreate], () => put(g, 0o600));
        assert.equal(await g.user(open), 'EACCES');
        assert.equal(g.owner('x'), '0 600');
      });
    }

    await t.test(`who loses a name twice while opening it gets it in the end`, async () => {
      const g = ground();
      let there = false;
      const toggle = (on: boolean): void => {
        if (on === there) return;
        there = on;
        if (on) put(g, 0o600);
        else rmSync(join(g.share, 'x'));
      };
      let tries = 0;
      g.between.onRequest = (type, m) => {
        if (!m.includes('\x01\0x', 0, 'latin1')) return undefined;
        // There whenever it is to be made, gone whenever it is looked up; the seventh try is left alone.
        if (type === T.lcreate) toggle(++tries < 7);
        else if (tries < 7) toggle(false);
        return undefined;
      };
      assert.equal(await g.user(OPEN('0')), `b''`);
      assert.equal(tries, 7);
      assert.equal(g.owner('x'), '1234 644');
    });

    for (const [name, [type, code]] of Object.entries(MAKES)) {
      await t.test(`${name} that fails leaves what is there to whom it belongs`, async () => {
        const g = ground();
        before(g, [type], () => put(g, 0o600));
        assert.equal(await g.user(code), 'EEXIST');
        assert.equal(g.owner('x'), '0 600');
      });

      await t.test(`what takes the place of what ${name} made is not given away`, async () => {
        const g = ground();
        const secret = join(g.share, '.secret');
        // Of the same kind, so that the kernel has nothing against it.
        assert.equal(await g.root(code.replace(`'x'`, `'.secret'`).replace('0o104777', '0o100600')), 'None');
        if (name !== 'symlink') chmodSync(secret, 0o700);
        let made = false;
        g.between.onReply = (reply) => {
          made ||= reply === type + 1;
          return undefined;
        };
        before(g, [T.walk], () => {
          if (!made) return;
          made = false;
          renameSync(join(g.share, 'x'), join(g.share, 'taken'));
          renameSync(secret, join(g.share, 'x'));
        });
        assert.equal(await g.user(code), 'None');
        assert.equal(g.owner('x'), name === 'symlink' ? '0 777' : '0 700');
        assert.equal(made, false);
      });
    }
  });

  test(`${dialect} that does not act as root`, here, async (t) => {
    const ground = await mounted(t, plain, { actsAsRoot: false });
    await t.test(`nor is a file opened for another user`, async () => {
      const g = ground();
      before(g, [T.lcreate], () => put(g, 0o600));
      assert.equal(await g.user(OPEN('0')), 'EACCES');
      assert.equal(g.owner('x'), '0 600');
      before(g, [], () => undefined);
      assert.equal(await g.user(`os.mkdir('d')`), 'None');
      assert.equal(g.owner('d'), '0 755');
    });

    await t.test(`for whose mount it is, what is there is opened`, async () => {
      const g = ground();
      before(g, [T.lcreate], () => put(g, 0o600));
      assert.equal(await g.root(OPEN('0')), `b'secret'`);
    });
  });
}

test(
  'in a folder with the set-group-id bit its own group is given, not the one that is shown',
  here,
  async (t) => {
    const ground = await mounted(t, false, { owners: { uid: undefined, gid: 4321 } });
    const g = ground();
    chownSync(g.share, 0, 50);
    chmodSync(g.share, 0o3777);
    const makes = `os.mkdir('d'), os.symlink('a', 'l'), os.mkfifo('p'), os.close(os.open('f', os.O_CREAT))`;
    assert.equal(await g.user(`[${makes}, os.lstat('f').st_gid][4]`), '4321');
    assert.deepEqual(
      ['d', 'l', 'p', 'f'].map((n) => lstatSync(join(g.share, n)).gid),
      [50, 50, 50, 50],
    );
  },
);
