// SPDX-License-Identifier: MIT
// The whole way without Qubes: a request, the question, the mount, its use, the end.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { EROFS } from '../../src/base/errno.ts';
import { brokerCaller } from '../../src/broker/broker-caller.ts';
import { exchange } from '../../src/broker/call.ts';
import { connect } from '../../src/connect.ts';
import { openSys } from '../../src/linux/index.ts';
import { netSys, peerCred } from '../../src/linux/net.ts';
import { recvFd, sendFd } from '../../src/linux/passing.ts';
import { formatAsk, formatFolderLine } from '../../src/policy/wire.ts';
import { cannotMount, nodeProgram, start } from '../helpers/cli.ts';
import { NOBODY } from '../helpers/linux.ts';
import { answers, eventually, NINEFOLD, NODE, world } from './world.ts';

function isDead(mountpoint: string): boolean {
  try {
    readdirSync(mountpoint);
    return false;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ENOTCONN';
  }
}

const reason = cannotMount();
const needsMount = reason === undefined ? {} : { skip: reason };
const brokerSys = { ...openSys(), ...netSys, sendFd, recvFd, peerCred };

for (const [who, uid] of [
  ['root', undefined],
  ['an ordinary user', NOBODY.uid],
] as const)
  test(`as ${who}: asked, mounted, used, seen, revoked`, needsMount, async (t) => {
    const w = world(t, uid);
    await w.broker(answers(w.dir, { answer: 'allow', lasts: 'always' }));
    const mount = await w.ninefold('mount', `box:${w.share}`, w.mnt);
    assert.deepEqual(
      [mount.code, mount.stdout],
      [0, `box:${w.share} is mounted on ${w.mnt}\n`],
      mount.stderr,
    );
    assert.equal(
      w.question().sentence,
      `host wants to read, change and delete all files below the folder ${w.share} on box.`,
    );
    if (uid === undefined) {
      assert.equal(readFileSync(join(w.mnt, 'hello'), 'utf8'), 'world');
      writeFileSync(join(w.mnt, 'sub/new'), 'made');
      assert.equal(readFileSync(join(w.share, 'sub/new'), 'utf8'), 'made');
    } else {
      const cat = spawnSync('/bin/cat', [join(w.mnt, 'hello')], { encoding: 'utf8', uid, gid: uid });
      assert.equal(cat.stdout, 'world', cat.stderr);
    }
    const sessions = JSON.parse((await w.ninefold('sessions', '--json')).stdout) as Record<string, string>[];
    assert.deepEqual(
      sessions.map((s) => [s.source, s.target, s.folder, s.access]),
      [['host', 'box', w.share, 'rw']],
    );
    const list = JSON.parse((await w.ninefold('list', '--json')).stdout) as Record<string, string>[];
    assert.equal(list.find((m) => m.mountpoint === w.mnt)?.source, `box:${w.share}`);

    const revoked = await w.ninefold('policy', 'revoke', '--target', 'box');
    assert.match(revoked.stdout, /^taken away: host may read and write .*\none mount is ended\n$/);
    const ms = await eventually('the end of the session', () => w.log().some((l) => l.event === 'end'));
    t.diagnostic(`ended ${ms.toFixed(0)} ms after the command had`);
    assert.equal((await w.ninefold('sessions')).stdout, 'Nobody has a folder mounted.\n');
    const after = spawnSync('/bin/ls', [w.mnt], {
      encoding: 'utf8',
      ...(uid === undefined ? {} : { uid, gid: uid }),
    });
    assert.notEqual(after.status, 0, 'nothing is to be had any more');
    assert.equal((await w.ninefold('unmount', w.mnt)).code, 0);
    const events = w.log().map((l) => l.event);
    assert.deepEqual(events.slice(0, 3), ['request', 'decision', 'connection']);
    // The command writes what it changed when the mount is about to end: on a crowded machine it has ended by then.
    assert.deepEqual(events.slice(3).sort(), ['change', 'change', 'end']);
  });

test(
  'an unmount ends the session; a second mount needs no question; in the sandbox, of a machine in namespaces of its own',
  needsMount,
  async (t) => {
    const w = world(t);
    w.env.NINEFOLD_SANDBOX = 'auto';
    const inside = 'unshare --mount --net --uts --ipc --pid --fork --mount-proc --kill-child';
    const config = { machines: { box: { address: `exec:${inside} ${NODE} ${NINEFOLD} agent` } } };
    await w.broker(answers(w.dir, { answer: 'allow', lasts: 'always' }), config);
    for (let i = 0; i < 2; i++) {
      const r = await w.run('qvm-mount-folder', ['box', join(w.share, 'sub'), w.mnt]);
      assert.equal(r.code, 0, r.stderr);
      assert.deepEqual(readdirSync(w.mnt), []);
      assert.equal((await w.ninefold('unmount', w.mnt)).code, 0);
      await eventually('the end', () => w.log().filter((l) => l.event === 'end').length === i + 1);
    }
    assert.equal(w.log().filter((l) => l.event === 'request').length, 2);
    assert.equal(w.log().at(-1)?.why, 'the client closed it');
    const once = statSync(w.path('question.json')).mtimeMs;
    await w.ninefold('mount', `box:${w.share}/sub`, w.mnt);
    assert.equal(statSync(w.path('question.json')).mtimeMs, once, 'not asked again');
  },
);

test(
  'granted to read only: mounted so, and the server refuses to write whatever the client does',
  needsMount,
  async (t) => {
    const w = world(t);
    await w.broker(answers(w.dir, { answer: 'allow', access: 'ro', lasts: 'always' }));
    const r = await w.ninefold('mount', `box:${w.share}`, w.mnt);
    assert.equal(r.code, 0, r.stderr);
    assert.match(r.stderr, /note: reading only was granted/);
    assert.throws(() => writeFileSync(join(w.mnt, 'no'), ''), { code: 'EROFS' });

    const caller = brokerCaller(brokerSys, w.env.NINEFOLD_BROKER ?? '');
    const ask = await exchange(
      await caller('dom0', 'ruddo.AuthorizeFolderAccess'),
      formatAsk({ target: 'box', folder: w.share, access: 'ro' }),
    );
    assert.equal(ask.exit, 0, ask.words);
    const call = await caller('box', `ruddo.ConnectToFolder+${ask.stdout.slice(0, 32)}`);
    const mem = brokerSys.alloc(8192);
    brokerSys.write(call.writeFd, mem, 0, mem.cstring(formatFolderLine(w.share)));
    assert.equal(brokerSys.read(call.readFd, mem, 0, 3), 3);
    assert.equal(Buffer.from(mem.u8.subarray(0, 3)).toString(), 'ok\n');
    const files = await connect({ readFd: call.readFd, writeFd: call.writeFd }, { aname: w.share });
    assert.equal(Buffer.from(await files.readFile('/hello')).toString(), 'world');
    await assert.rejects(files.writeFile('/no', Buffer.from('x')), { errno: EROFS });
    await files.close();
    assert.equal((await call.ended).exit, 0);
    // What was not granted cannot be had under another fingerprint, nor another folder under this one.
    for (const [print, folder] of [
      ['0'.repeat(32), w.share],
      [ask.stdout.slice(0, 32), w.dir],
    ] as const) {
      const other = await caller('box', `ruddo.ConnectToFolder+${print}`);
      const refused = await exchange(other, formatFolderLine(folder));
      assert.deepEqual([refused.exit, refused.stdout], [126, '']);
    }
  },
);

test(
  'the folder is swapped after the question was put: another is not served, and the grant is void',
  needsMount,
  async (t) => {
    const w = world(t);
    mkdirSync(w.path('secret'));
    writeFileSync(w.path('secret/key'), 'x');
    const swap = `mv ${w.dir}/share ${w.dir}/old; mv ${w.dir}/secret ${w.dir}/share;`;
    const running = await w.broker(
      answers(w.dir, { answer: 'allow', lasts: 'always' }, `[ -e ${w.dir}/old ] || { ${swap} };`),
    );
    const r = await w.ninefold('mount', `box:${w.share}`, w.mnt);
    assert.equal(r.code, 13, r.stderr);
    assert.match(r.stderr, /another folder has taken the place/);
    assert.deepEqual(readdirSync(w.mnt), []);
    assert.match((await w.ninefold('policy', 'list')).stdout, /^There are no rules/);
    // And a symbolic link in its place is never followed.
    spawnSync('/bin/sh', ['-c', `rm -r ${w.dir}/share && ln -s ${w.dir}/old ${w.dir}/share`]);
    const link = await w.ninefold('mount', `box:${w.share}`, w.mnt);
    assert.equal(link.code, 2, link.stderr);
    assert.match(String(w.question().notes), /reached by a symbolic link/);
    running.child.kill('SIGTERM');
    assert.equal((await running.ended).code, 143);
  },
);

test('once is one mount; the end of the broker ends what it allowed', needsMount, async (t) => {
  const w = world(t);
  const running = await w.broker(answers(w.dir, { answer: 'allow' }));
  assert.equal((await w.ninefold('mount', `box:${w.share}`, w.mnt)).code, 0);
  assert.match((await w.ninefold('policy', 'list')).stdout, /^There are no rules/);
  mkdirSync(w.path('mnt2'));
  const asked = statSync(w.path('question.json')).mtimeMs;
  assert.equal((await w.ninefold('mount', `box:${w.share}`, w.path('mnt2'))).code, 0);
  assert.notEqual(statSync(w.path('question.json')).mtimeMs, asked, 'asked again');
  const sessions = JSON.parse((await w.ninefold('sessions', '--json')).stdout) as { id: string }[];
  assert.equal(sessions.length, 2);
  // One of them by its own id.
  assert.equal((await w.ninefold('policy', 'revoke', sessions[0]?.id ?? '')).code, 0);
  await eventually('the end', () => w.log().some((l) => l.event === 'end' && l.session === sessions[0]?.id));
  assert.equal(readFileSync(join(w.path('mnt2'), 'hello'), 'utf8'), 'world', 'the other goes on');
  running.child.kill('SIGTERM');
  assert.equal((await running.ended).code, 143);
  assert.equal((await w.ninefold('sessions')).stdout, 'Nobody has a folder mounted.\n');
  await eventually('the end of the mount', () => isDead(w.path('mnt2')));
  assert.ok(!existsSync(w.env.NINEFOLD_BROKER ?? ''), 'its socket is gone');
});

test(
  'an agent at a socket; machines known by a socket of their own, and by their user',
  needsMount,
  async (t) => {
    const w = world(t);
    const config = {
      self: 'desk',
      machines: {
        box: { address: `unix:${w.path('agent.sock')}` },
        guest: { socket: w.path('guest.sock') },
        other: { uid: NOBODY.uid, disposable: true },
      },
    };
    await w.listening('agent', '--listen', w.path('agent.sock'));
    await w.broker(answers(w.dir, { answer: 'allow', lasts: 'once' }), config);
    assert.equal((await w.ninefold('mount', `box:${w.share}`, w.mnt)).code, 0);
    assert.equal(readFileSync(join(w.mnt, 'hello'), 'utf8'), 'world');
    assert.equal(w.question().source, 'desk');
    assert.equal((await w.ninefold('policy', 'revoke', '--source', 'desk')).code, 0);
    await eventually('the end', () => w.log().some((l) => l.event === 'end'));
    await eventually('the end of the mount', () => isDead(w.mnt));
    await w.ninefold('unmount', w.mnt);

    // By its own socket, whoever connects: the guest. It asks for a folder of this machine itself.
    const guest = await w.run('ninefold', ['mount', `desk:${w.share}`, w.mnt], {
      env: { NINEFOLD_BROKER: w.path('guest.sock') },
    });
    assert.equal(guest.code, 0, guest.stderr);
    assert.equal(w.question().source, 'guest');
    await w.ninefold('unmount', w.mnt);

    // By the user id, on the broker's socket; a disposable is offered nothing that lasts.
    const caller = nodeProgram('ninefold', 'mount', `box:${w.share}`, w.mnt);
    const as = start(
      ['/usr/bin/setpriv', `--reuid=${NOBODY.uid}`, `--regid=${NOBODY.gid}`, '--clear-groups', ...caller],
      {
        env: { ...w.env, NINEFOLD_RUNTIME_DIR: w.path('nobody') },
      },
    );
    // It may not mount there, which is found out before anybody is asked.
    assert.equal((await as.ended).code, 77);
    const sys = brokerSys;
    const own = await exchange(
      await brokerCaller(sys, w.env.NINEFOLD_BROKER ?? '')('dom0', 'other.Service'),
      '',
    );
    assert.equal(own.exit, 126, 'services that it does not have');
  },
);
