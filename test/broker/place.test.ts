// SPDX-License-Identifier: MIT
// Where a broker is looked for that nobody has named, and who can reach its socket.
import assert from 'node:assert/strict';
import { chmodSync, chownSync, existsSync, mkdirSync, renameSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { answerStatus } from '../../src/cli/mount/control.ts';
import { run, start } from '../helpers/cli.ts';
import { NOBODY } from '../helpers/linux.ts';
import { scratch } from '../helpers/places.ts';
import { answers, NODE, type World, world } from './world.ts';

const needsRoot = process.geteuid?.() === 0 ? {} : { skip: 'needs root' };
const OTHER = 12345;
/** Says when it is told anything, which nobody should. */
const LISTENER = `require('node:net').createServer((s) => s.on('error', () => {}).on('data', () => console.error('heard'))).listen(process.argv[1], () => {
  require('node:fs').chmodSync(process.argv[1], 0o777); console.error('listening on'); });`;

/** The world of a user, in which somebody with `uid` listens where the user's broker would. */
async function occupied(t: Parameters<typeof world>[0], uid: number, folderOf: number): Promise<World> {
  const w = world(t, NOBODY.uid);
  w.env.NINEFOLD_BROKER = '';
  const dir = scratch(t, 'place');
  chmodSync(dir, 0o777);
  const listener = start([NODE, '-e', LISTENER, join(dir, 'broker.sock')], { uid });
  t.after(async () => {
    listener.child.kill('SIGKILL');
    assert.doesNotMatch((await listener.ended).stderr, /heard/);
  });
  await listener.says(/listening on/);
  renameSync(join(dir, 'broker.sock'), w.path('run/broker.sock'));
  chownSync(w.path('run'), folderOf, folderOf);
  chmodSync(w.path('run'), folderOf === NOBODY.uid ? 0o700 : 0o755);
  return w;
}

const calls = (w: World): readonly (readonly [string, readonly string[]])[] => [
  ['qrexec-client-vm', ['vault', 'qubes.Filecopy']],
  ['ninefold', ['mount', 'vault:/x', w.mnt]],
];

test(
  'a folder of another user is not looked into for the broker, and no broker listens there',
  needsRoot,
  async (t) => {
    const w = await occupied(t, OTHER, OTHER);
    for (const [name, args] of calls(w)) {
      const r = await w.run(name, args, { stdin: Buffer.from('secret') });
      assert.match(r.stderr, /will not look for the broker in .*not a folder that only you can change/, name);
    }
    rmSync(w.path('run/broker.sock'));
    const r = await w.ninefold('broker', '--ask', 'true');
    assert.equal(r.code, 78, r.stderr);
    assert.match(r.stderr, /cannot listen in .*not a folder that only you can change/);
    assert.ok(!existsSync(w.path('run/broker.sock')));
  },
);

test('whoever listens in the user’s own folder must be that user, or root', needsRoot, async (t) => {
  const w = await occupied(t, OTHER, NOBODY.uid);
  for (const [name, args] of [...calls(w), ['ninefold', ['broker', '--stdio']] as const]) {
    const r = await w.run(name, args, { stdin: Buffer.from('secret') });
    assert.match(r.stderr, /will not ask the broker at .*broker\.sock: it is of user id 12345/, name);
  }
});

for (const [what, own] of [
  ['its usual folder', true],
  ['a folder that it makes', false],
] as const)
  test(
    `a machine by its user id reaches the socket in ${what}, and nothing else there`,
    needsRoot,
    async (t) => {
      const w = world(t);
      if (own) w.env.NINEFOLD_BROKER = '';
      const place = own ? w.path('run/broker.sock') : w.path('a/b/broker.sock');
      const more = own ? [] : ['--socket', place];
      const broker = await w.broker(
        answers(w.dir, { answer: 'deny' }),
        { machines: { guest: { uid: OTHER } } },
        ...more,
      );
      const folder = join(place, '..');
      assert.deepEqual([statSync(folder).mode & 0o777, statSync(place).mode & 0o777], [0o711, 0o666]);
      const env = { NINEFOLD_BROKER: place };
      const asks = await w.run('qrexec-client-vm', ['dom0', 'ruddo.AuthorizeFolderAccess'], {
        uid: OTHER,
        env,
        stdin: new Uint8Array(),
      });
      assert.equal(asks.code, 22, asks.stderr);
      assert.equal((await run(['/bin/ls', folder], { uid: OTHER })).code, 2);
      broker.child.kill('SIGTERM');
      assert.doesNotMatch((await broker.ended).stderr, /may not reach/);
    },
  );

test('a folder that others may not enter is named', needsRoot, async (t) => {
  const w = world(t);
  mkdirSync(w.path('closed'), { mode: 0o700 });
  const broker = await w.broker(
    'true',
    { machines: { guest: { uid: OTHER } } },
    '--socket',
    w.path('closed/s'),
  );
  broker.child.kill('SIGTERM');
  assert.match(
    (await broker.ended).stderr,
    /may not reach the socket, because others may not enter .*closed/,
  );
  assert.equal(statSync(w.path('closed')).mode & 0o777, 0o700);
});

test('without machines by user id the folder is closed', async (t) => {
  const w = world(t);
  await w.broker('true', { machines: {} }, '--socket', w.path('made/s'));
  assert.deepEqual(
    [statSync(w.path('made')).mode & 0o777, statSync(w.path('made/s')).mode & 0o777],
    [0o700, 0o600],
  );
});

test('what lies beside the socket is closed to others: what tells of a mount', async (t) => {
  const path = join(scratch(t, 'place'), '1.sock');
  const old = process.umask(0);
  const server = await answerStatus(path, () => ({
    state: 'connected',
    operations: 0,
    bytesRead: 0,
    bytesWritten: 0,
  }));
  process.umask(old);
  assert.equal(statSync(path).mode & 0o777, 0o600);
  server.close();
});

test('a user that is no machine is closed, each time, and the broker goes on', needsRoot, async (t) => {
  const w = world(t);
  const broker = await w.broker(
    'true',
    { machines: { guest: { uid: 54321 } } },
    '--socket',
    w.path('made/s'),
  );
  const knock = `require('node:net').connect(process.argv[1]).on('error', () => {}).on('close', () => process.exit(3))`;
  for (let i = 0; i < 3; i++)
    assert.equal(
      (await run([NODE, '-e', knock, w.path('made/s')], { uid: OTHER, patience: 10_000 })).code,
      3,
    );
  assert.equal(broker.child.exitCode, null);
});
