// SPDX-License-Identifier: MIT
import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  cannotMount,
  leftovers,
  mountsBelow,
  ninefold,
  nodeProgram,
  type Ran,
  run,
  start,
} from '../../../test/helpers/cli.ts';
import type { Mounted } from './survey.ts';

/** A share, a mount point and a register of its own; afterwards nothing may be left that knows of them. */
interface Ground {
  dir: string;
  share: string;
  mnt: string;
  env: Record<string, string>;
  /** A server on a socket pair, unconfined: the sandbox has its own tests. */
  source: string;
  list(): Promise<Mounted[]>;
}

async function ground(t: TestContext): Promise<Ground> {
  const dir = mkdtempSync(join(tmpdir(), 'ninefold-cli-'));
  const [share, mnt] = [join(dir, 'share'), join(dir, 'mnt')];
  mkdirSync(share);
  mkdirSync(mnt);
  writeFileSync(join(share, 'hello'), 'world');
  const env = { NINEFOLD_RUNTIME_DIR: join(dir, 'run') };
  t.after(async () => {
    const left = await leftovers(dir);
    // A test that failed half-way must not leave a mount for the next.
    for (const line of mountsBelow(dir)) await run(['umount', '-l', line.split(' ')[1] ?? '']);
    rmSync(dir, { recursive: true, force: true });
    assert.deepEqual(left, [], 'nothing is left mounted or running');
  });
  const source = `exec:${nodeProgram('qfsd', '0', '1', share, '--sandbox', 'none').join(' ')}`;
  const list = async (): Promise<Mounted[]> => {
    const all = JSON.parse((await ninefold(['list', '--json'], { env })).stdout) as Mounted[];
    return all.filter((m) => m.mountpoint.startsWith(dir));
  };
  return { dir, share, mnt, env, source, list };
}

const up = async (g: Ground, ...args: string[]): Promise<void> => {
  const r = await ninefold(['mount', g.source, g.mnt, ...args], { env: g.env });
  assert.equal(r.code, 0, r.stderr);
};
const down = (g: Ground, ...args: string[]): Promise<Ran> =>
  ninefold(['unmount', g.mnt, ...args], { env: g.env });

/** Works with the mount in another process, which may be killed if it hangs. */
const sh = (script: string, cwd = '/'): Promise<Ran> =>
  run(['/bin/sh', '-c', script], { cwd, patience: 10_000 });

const reason = cannotMount();
const skip = reason === undefined ? {} : { skip: reason };

test('mount, use, list, unmount', skip, async (t) => {
  const g = await ground(t);
  const r = await ninefold(['mount', g.source, g.mnt], { env: g.env });
  assert.deepEqual([r.code, r.stderr], [0, '']);
  assert.match(r.stdout, /^exec:.* is mounted on .*\/mnt\n$/);
  const used = await sh(`cat ${g.mnt}/hello && echo new > ${g.mnt}/made && mv ${g.mnt}/made ${g.mnt}/moved`);
  assert.deepEqual([used.code, used.stdout], [0, 'world']);
  assert.equal(readFileSync(join(g.share, 'moved'), 'utf8'), 'new\n');
  const [m, ...more] = await g.list();
  assert.equal(more.length, 0);
  assert.equal(m?.state, 'connected');
  assert.equal(m?.mountpoint, g.mnt);
  assert.equal(m?.source, g.source);
  assert.ok((m?.operations ?? 0) > 3 && m?.bytesRead === 5 && m?.bytesWritten === 4, JSON.stringify(m));
  assert.ok(Math.abs(Date.parse(m?.since ?? '') - Date.now()) < 60_000);
  const table = await ninefold(['list'], { env: g.env });
  assert.match(table.stdout, /^MOUNTPOINT +SOURCE +STATE/);
  const gone = await down(g);
  assert.deepEqual([gone.code, gone.stdout, gone.stderr], [0, '', '']);
  assert.deepEqual(await g.list(), []);
  assert.deepEqual(readdirSync(g.env.NINEFOLD_RUNTIME_DIR ?? ''), []);
});

test('the mount is nosuid, nodev, nosymfollow; ro is ro, and so is what -r asks', skip, async (t) => {
  const g = await ground(t);
  await up(g, '-o', 'ro,noexec');
  const line = mountsBelow(g.dir)[0] ?? '';
  for (const word of ['fuse.ninefold', 'nosuid', 'nodev', 'noexec', 'nosymfollow', 'default_permissions'])
    assert.ok(line.includes(word), `${word} in ${line}`);
  assert.match((await sh(`echo x > ${g.mnt}/new`)).stderr, /Read-only/);
  assert.equal((await g.list())[0]?.readOnly, true);
  assert.equal((await down(g)).code, 0);
});

test('a mount point that is not empty gets a note', skip, async (t) => {
  const g = await ground(t);
  writeFileSync(join(g.mnt, 'below'), '');
  const r = await ninefold(['mount', g.source, g.mnt], { env: g.env });
  assert.equal(r.code, 0);
  assert.match(
    r.stderr,
    /^ninefold mount: note: .*\/mnt is not empty; what is in it is hidden while the mount is up\n$/,
  );
  const second = await ninefold(['mount', g.source, g.mnt], { env: g.env });
  assert.equal(second.code, 66);
  assert.match(second.stderr, /is mounted there already; run "ninefold unmount/);
  assert.equal((await down(g)).code, 0);
});

test('descriptors as a source', skip, async (t) => {
  const g = await ground(t);
  const server = start(nodeProgram('qfsd', '3', '3', g.share, '--sandbox', 'none'), {
    fds: ['pipe'],
    env: g.env,
  });
  const socket = server.child.stdio[3] as NonNullable<typeof server.child.stdin>;
  const r = await ninefold(['mount', 'fd:3,3', g.mnt], { env: g.env, fds: [socket] });
  assert.equal(r.code, 0, r.stderr);
  socket.destroy();
  assert.equal((await sh(`cat ${g.mnt}/hello`)).stdout, 'world');
  assert.equal((await down(g)).code, 0);
  assert.equal((await server.ended).code, 0, 'the server saw the end of file');
});

test('when the server dies, everything fails at once, list says why, unmount works', skip, async (t) => {
  const g = await ground(t);
  const server = start(nodeProgram('qfsd', '3', '3', g.share, '--sandbox', 'none'), {
    fds: ['pipe'],
    env: g.env,
  });
  const socket = server.child.stdio[3] as NonNullable<typeof server.child.stdin>;
  assert.equal((await ninefold(['mount', 'fd:3,3', g.mnt], { env: g.env, fds: [socket] })).code, 0);
  socket.destroy();
  // Too large to come along with its open: the bytes of a small file would be in the page cache already.
  writeFileSync(join(g.share, 'large'), Buffer.alloc(1 << 20));
  const waiting = start(['/bin/sh', '-c', `exec 9< ${g.mnt}/large; sleep 0.5; cat <&9`], { cwd: '/' });
  await sleep(200);
  server.child.kill('SIGKILL');
  assert.notEqual((await waiting.ended).code, 0);
  const r = await sh(`cat ${g.mnt}/hello`);
  assert.match(r.stderr, /not connected/);
  let m: Mounted | undefined;
  for (let i = 0; i < 50 && m?.state !== 'disconnected'; i++, await sleep(20)) [m] = await g.list();
  assert.equal(m?.state, 'disconnected');
  assert.match(m?.reason ?? '', /closed the connection/);
  assert.match(mountsBelow(g.dir)[0] ?? '', /fuse.ninefold/, 'it stays, so that nobody writes below it');
  assert.equal((await down(g)).code, 0);
});

test('a dead mount that is in use is detached, and that is said', skip, async (t) => {
  const g = await ground(t);
  await up(g);
  const user = start(['/bin/sleep', '100'], { cwd: g.mnt });
  await sleep(100);
  const [m] = await g.list();
  process.kill(m?.pid ?? 0, 'SIGKILL');
  await sleep(100);
  assert.equal((await g.list())[0]?.state, 'dead');
  const r = await down(g);
  assert.equal(r.code, 0);
  assert.match(r.stderr, /note: .* was dead and in use; it is detached/);
  user.child.kill();
  await user.ended;
});

test('a mount in use is left alone, unless --lazy', skip, async (t) => {
  const g = await ground(t);
  await up(g);
  const user = start(['/bin/sleep', '100'], { cwd: g.mnt });
  await sleep(100);
  const refused = await down(g);
  assert.equal(refused.code, 69);
  assert.match(refused.stderr, /^ninefold: cannot unmount .*: a program works in it; .*--lazy\n$/);
  assert.equal((await sh(`cat ${g.mnt}/hello`)).stdout, 'world', 'it still works');
  assert.equal((await down(g, '--lazy')).code, 0);
  assert.deepEqual(mountsBelow(g.dir), []);
  user.child.kill();
  await user.ended;
});

for (const [signal, code] of [
  ['SIGINT', 130],
  ['SIGTERM', 143],
] as const)
  test(`in the foreground ${signal} unmounts and gives ${code}`, skip, async (t) => {
    const g = await ground(t);
    const mount = start(nodeProgram('ninefold', 'mount', g.source, g.mnt, '--foreground', '--stats'), {
      env: g.env,
    });
    for (let i = 0; i < 200 && (await g.list()).length === 0; i++) await sleep(20);
    assert.equal((await sh(`cat ${g.mnt}/hello`)).stdout, 'world');
    mount.child.kill(signal);
    const r = await mount.ended;
    assert.equal(r.code, code, r.stderr);
    const stats = JSON.parse(r.stderr.trim().split('\n').at(-1) ?? '') as {
      operations: Record<string, number>;
    };
    assert.ok(Object.keys(stats.operations).length > 1);
  });

test('in the foreground a lost server ends the mount, with 69', skip, async (t) => {
  const g = await ground(t);
  const server = start(nodeProgram('qfsd', '3', '3', g.share, '--sandbox', 'none'), {
    fds: ['pipe'],
    env: g.env,
  });
  const socket = server.child.stdio[3] as NonNullable<typeof server.child.stdin>;
  const mount = start(nodeProgram('ninefold', 'mount', 'fd:3,3', g.mnt, '-f'), { env: g.env, fds: [socket] });
  for (let i = 0; i < 200 && (await g.list()).length === 0; i++) await sleep(20);
  socket.destroy();
  server.child.kill('SIGKILL');
  const r = await mount.ended;
  assert.equal(r.code, 69, r.stderr);
  assert.match(
    r.stderr,
    /^ninefold mount: lost the server of .*: the server closed the connection; mount it again\n$/,
  );
});

test('the background process survives Ctrl-C of the script that started it', skip, async (t) => {
  const g = await ground(t);
  const script = start(
    [
      '/usr/bin/setsid',
      '/bin/sh',
      '-c',
      `"$@" || exit; echo up >&2; sleep 100`,
      'sh',
      ...nodeProgram('ninefold', 'mount', g.source, g.mnt),
    ],
    { env: g.env },
  );
  await script.says(/up/);
  process.kill(-(script.child.pid ?? 0), 'SIGINT');
  await script.ended;
  assert.equal((await sh(`cat ${g.mnt}/hello`)).stdout, 'world');
  assert.equal((await down(g)).code, 0);
});

test('ssh gets one quoted folder, and its last words are told', skip, async (t) => {
  const g = await ground(t);
  const odd = join(g.dir, "it's $(id); a share");
  mkdirSync(odd);
  writeFileSync(join(odd, 'inside'), 'yes');
  // The far end of an ssh that is none: a login shell in another folder.
  const ssh = join(g.dir, 'ssh');
  const bin = join(g.dir, 'ninefold');
  writeFileSync(bin, `#!/bin/sh\nNINEFOLD_SANDBOX=none exec ${nodeProgram('ninefold').join(' ')} "$@"\n`, {
    mode: 0o755,
  });
  writeFileSync(ssh, '#!/bin/sh\nfor last; do :; done\ncd / && exec sh -c "$last"\n', { mode: 0o755 });
  const far = ['--ssh-command', ssh, '--remote-command', bin];
  const r = await ninefold(['mount', `ssh://box${odd}`, g.mnt, ...far, '-r'], { env: g.env });
  assert.equal(r.code, 0, r.stderr);
  assert.equal((await sh(`cat ${g.mnt}/inside`)).stdout, 'yes');
  assert.equal((await down(g)).code, 0);
  const none = await ninefold(['mount', `ssh://box${g.dir}/none`, g.mnt, ...far], { env: g.env });
  assert.equal(none.code, 69);
  assert.match(
    none.stderr,
    /\(ssh ended with status 66: .*cannot share .*none: no such file.*\); look at the server/,
  );
});

test('what root has mounted an ordinary user cannot unmount', skip, async (t) => {
  const g = await ground(t);
  chmodSync(g.dir, 0o755);
  await up(g, '-o', 'allow_other');
  const env = { NINEFOLD_RUNTIME_DIR: join(g.dir, 'nobody') };
  const r = await ninefold(['unmount', g.mnt], { env, uid: 65534 });
  assert.equal(r.code, 77, r.stderr);
  assert.match(r.stderr, /^ninefold: cannot unmount [^\n]+; only the user who mounted it, or root, can\n$/);
  const list = await ninefold(['list'], { env, uid: 65534 });
  assert.match(list.stdout, /mnt .* unknown/, 'but sees it');
  assert.equal((await down(g)).code, 0);
});
