// SPDX-License-Identifier: MIT
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { createServer, type Socket } from 'node:net';
import { tmpdir, userInfo } from 'node:os';
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
import { scratch } from '../../../test/helpers/places.ts';

const reason = cannotMount();
const skip = reason === undefined ? {} : { skip: reason };
const NOBODY = 65534;

async function ground(
  t: TestContext,
): Promise<{ dir: string; share: string; mnt: string; env: Record<string, string> }> {
  const dir = mkdtempSync(join(tmpdir(), 'ninefold-no-'));
  const [share, mnt] = [join(dir, 'share'), join(dir, 'mnt')];
  mkdirSync(share);
  mkdirSync(mnt);
  writeFileSync(join(share, 'hello'), 'world');
  t.after(async () => {
    const left = await leftovers(dir);
    for (const line of mountsBelow(dir)) await run(['umount', '-l', line.split(' ')[1] ?? '']);
    rmSync(dir, { recursive: true, force: true });
    assert.deepEqual(left, [], 'nothing is left mounted or running');
  });
  return { dir, share, mnt, env: { NINEFOLD_RUNTIME_DIR: join(dir, 'run') } };
}

/** One line: what, on what, why, what to do. */
function oneLine(r: Ran, code: number, words: RegExp): void {
  assert.equal(r.code, code, r.stderr);
  assert.match(r.stderr, words);
  assert.match(r.stderr, /^ninefold(?: mount)?: [^\n]+: [^\n]+; [^\n]+\n$/, 'one line in four parts');
  assert.ok(!/\n\s+at /.test(r.stderr), 'no stack trace');
}

test('a source or mount point that makes no sense', skip, async (t) => {
  const g = await ground(t);
  const file = join(g.dir, 'file');
  writeFileSync(file, '');
  symlinkSync('nowhere', join(g.dir, 'dangling'));
  const unix = `unix:${join(g.dir, 'none.sock')}`;
  for (const [args, code, words] of [
    [['nonsense', g.mnt], 64, /source "nonsense": .*; write MACHINE:\/FOLDER, or one of unix:PATH/],
    [['ssh://-oProxyCommand=id/x', g.mnt], 64, /begin with "-"/],
    [['tcp:localhost:99999', g.mnt], 64, /port must be/],
    [[unix, join(g.dir, 'none')], 66, /none: no such file or folder/],
    [[unix, join(g.dir, 'dangling')], 66, /dangling: no such file or folder/],
    [[unix, file], 66, /file: it is not a folder/],
    [[unix, g.mnt], 69, /none.sock: no such file.*server makes the socket/],
    [['tcp:127.0.0.1:1', g.mnt], 69, /connection refused/],
    [['tcp:nowhere.invalid:1', g.mnt], 69, /no address is known/],
    [['fd:77,78', g.mnt], 78, /descriptor 77: it is not open/],
    [['exec:exit 3', g.mnt], 69, /sh ended with status 3/],
    [[unix, g.mnt, '-o', 'nosiud'], 64, /no such option/],
    [[unix, g.mnt, '--client', 'kernel'], 64, /for MACHINE:\/FOLDER only; leave it out/],
    [[unix, g.mnt, '--timeout', 'soon'], 64, /--timeout "soon"/],
    [
      [`ssh://h/x`, g.mnt, '--ssh-command', '/nonexistent/ssh'],
      71,
      /cannot run \/nonexistent\/ssh: there is no such program; check the path/,
    ],
    [
      [`ssh://h/x`, g.mnt, '--ssh-command', 'no-such-ssh'],
      71,
      /cannot run no-such-ssh: the program is not installed/,
    ],
  ] as const)
    oneLine(await ninefold(['mount', ...args], { env: g.env }), code, words);
});

test('a wrong command line is told from a failure, with a hint', async () => {
  for (const [args, words] of [
    [['mout', 'x', 'y'], /unknown command 'mout' \(Did you mean mount\?\); see ninefold --help\n$/],
    [['mounts', 'foo'], /^ninefold: unknown command 'foo'; see ninefold mounts --help\n$/],
    [['help', 'nosuch'], /^ninefold: unknown command 'nosuch'; see ninefold --help\n$/],
    [['policy', 'help', 'nosuch'], /^ninefold: unknown command 'nosuch'; see ninefold policy --help\n$/],
    [['policy', 'allow', 'x'], /missing required argument .*; see ninefold policy allow --help\n$/],
    [['serve', '--nosuch'], /unknown option '--nosuch'.*; see ninefold serve --help\n$/],
    [['mount', 'x'], /missing required argument 'mountpoint'/],
    [['mount', 'x', 'y', '--frground'], /unknown option '--frground' \(Did you mean --foreground\?\)/],
    [['serve'], /missing required argument 'path'/],
  ] as const) {
    const r = await ninefold(args);
    assert.equal(r.code, 64);
    assert.match(r.stderr, words);
    assert.match(r.stderr, /^ninefold: [^\n]+\n$/);
  }
});

test('NINEFOLD_SSH holds for copies as for mounts', async () => {
  const r = await ninefold(['copy', 'package.json', 'ssh://h/x'], { env: { NINEFOLD_SSH: 'no-such-ssh' } });
  oneLine(r, 71, /cannot run no-such-ssh/);
});

test('what an option cannot do is said', async (t) => {
  for (const [args, words] of [
    [['policy', 'log', '--before', '1:2'], /cannot use --before: it needs --page/],
    [['policy', 'log', '--page', '--before', 'zz'], /cannot use --before "zz": it is no place in the log/],
    [['agent', '--listen', 'foo'], /cannot understand the address .*"foo".*; write unix:PATH or vsock:PORT/],
    [['agent', '--listen', 'tcp:127.0.0.1:1'], /; write unix:PATH or vsock:PORT/],
  ] as const)
    oneLine(await ninefold(args), 64, words);
  if (process.geteuid?.() !== 0) return t.diagnostic('as a user --squash was not tried');
  const dir = scratch(t, 'squash');
  chmodSync(dir, 0o755);
  const args = ['serve', dir, '--stdio', '--squash', '1:1', '--sandbox', 'none'];
  const r = await ninefold(args, { uid: 65534, stdin: Buffer.alloc(0), env: { HOME: dir } });
  assert.equal(r.code, 0, r.stderr);
  assert.match(
    r.stderr,
    /^ninefold serve: warn: --squash has no effect: only root can act as another user\n/,
  );
});

test('a destination is called one, and may be a machine', async () => {
  for (const args of [
    ['copy', 'package.json', '/nowhere'],
    ['open', 'package.json', 'nowhere:1'],
  ]) {
    const r = await ninefold(args);
    oneLine(r, 64, /cannot understand the destination .*; write the name of a machine, or one of unix:PATH/);
  }
});

test('help where a command is missing is the help, and not one line', async () => {
  const help = await ninefold(['policy', '--help']);
  const bare = await ninefold(['policy']);
  assert.equal(bare.code, 64);
  assert.equal(bare.stderr.trimEnd(), help.stdout.trimEnd());
  assert.equal((await ninefold(['help', 'policy'])).stdout, help.stdout);
  assert.equal(
    (await ninefold(['policy', 'help', 'log'])).stdout,
    (await ninefold(['policy', 'log', '-h'])).stdout,
  );
});

/** A peer that takes one connection at a time and does with it as it likes. */
async function peer(t: TestContext, path: string, greet: (socket: Socket) => void): Promise<void> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
    greet(socket);
  });
  await new Promise<void>((resolve) => server.listen(path, resolve));
  t.after(() => {
    for (const s of sockets) s.destroy();
    server.close();
  });
}

/** size[4] type[1] tag[2] body */
function message(type: number, tag: number, body: Buffer): Buffer {
  const head = Buffer.alloc(7);
  head.writeUInt32LE(7 + body.length);
  head.writeUInt8(type, 4);
  head.writeUInt16LE(tag, 5);
  return Buffer.concat([head, body]);
}

/** Rversion: msize[4] version[s] */
function rversion(version: string, msize = 8192): Buffer {
  const body = Buffer.alloc(6 + version.length);
  body.writeUInt32LE(msize);
  body.writeUInt16LE(version.length, 4);
  body.write(version, 6);
  return message(101, 0xffff, body);
}

const refusal = (tag: number, errno: number): Buffer => {
  const body = Buffer.alloc(4);
  body.writeUInt32LE(errno);
  return message(7, tag, body);
};

for (const [name, greet, code, words] of [
  [
    'speaks another protocol',
    (s: Socket) => s.write('220 mail.example.org ESMTP\r\n'),
    65,
    /what came back is not 9P/,
  ],
  [
    'speaks another dialect',
    (s: Socket) => s.on('data', () => s.write(rversion('9P2000.u'))),
    65,
    /it speaks 9P2000.u, not 9P2000.L/,
  ],
  ['closes at once', (s: Socket) => s.destroy(), 69, /closed the connection|reset by the other end/],
  [
    'closes in the middle of a message',
    (s: Socket) => s.end(rversion('9P2000.L').subarray(0, 9)),
    69,
    /in the middle of a reply \(9 bytes/,
  ],
  ['says nothing', (s: Socket) => s.resume(), 69, /nothing came within 1 s/],
  [
    'refuses the attach',
    (s: Socket) =>
      s.on('data', (d) => s.write(d[4] === 100 ? rversion('9P2000.L') : refusal(d.readUInt16LE(5), 13))),
    77,
    /it refused: permission denied \(EACCES\)/,
  ],
  [
    'wants tiny messages',
    (s: Socket) => s.on('data', () => s.write(rversion('9P2000.L', 100))),
    65,
    /messages of 100 bytes/,
  ],
] as const)
  test(`a peer that ${name}`, skip, async (t) => {
    const g = await ground(t);
    const path = join(g.dir, 'p.sock');
    await peer(t, path, greet);
    oneLine(await ninefold(['mount', `unix:${path}`, g.mnt, '--timeout', '1'], { env: g.env }), code, words);
    // The foreground says the same.
    oneLine(
      await ninefold(['mount', `unix:${path}`, g.mnt, '--timeout', '1', '-f'], { env: g.env }),
      code,
      words,
    );
  });

test('Ctrl-C while waiting for a silent peer leaves nothing', skip, async (t) => {
  const g = await ground(t);
  const mount = start(nodeProgram('ninefold', 'mount', `exec:touch ${join(g.dir, 'up')}; sleep 100`, g.mnt), {
    env: g.env,
  });
  for (let i = 0; i < 500 && !existsSync(join(g.dir, 'up')); i++) await sleep(10);
  mount.child.kill('SIGINT');
  const r = await mount.ended;
  assert.equal(r.code, 130);
  assert.match(r.stderr, /stopped before the mount was ready; nothing is mounted\n$/);
});

test('unmount: what is not mounted, and what is not ours', skip, async (t) => {
  const g = await ground(t);
  oneLine(
    await ninefold(['unmount', g.mnt], { env: g.env }),
    66,
    /nothing is mounted there; see "ninefold list"/,
  );
  oneLine(
    await ninefold(['unmount', join(g.dir, 'none/x')], { env: g.env }),
    66,
    /^ninefold: cannot unmount .*: no such file[^;]*; see "ninefold list"\n$/,
  );
  oneLine(
    await ninefold(['umount', '/proc'], { env: g.env }),
    77,
    /what is mounted there is proc; use umount\(8\)/,
  );
  assert.ok(existsSync('/proc/self'));
});

test('a mount point that belongs to someone else', skip, async (t) => {
  const g = await ground(t);
  chmodSync(g.dir, 0o755);
  const env = { NINEFOLD_RUNTIME_DIR: join(g.dir, 'nobody-run') };
  mkdirSync(env.NINEFOLD_RUNTIME_DIR, { mode: 0o700 });
  chownSync(env.NINEFOLD_RUNTIME_DIR, NOBODY, NOBODY);
  const asNobody = { env, uid: NOBODY };
  oneLine(
    await ninefold(['mount', 'exec:true', g.mnt], asNobody),
    77,
    /mnt: permission denied \(EACCES\); choose a folder of your own/,
  );
  chmodSync(g.mnt, 0o1777);
  oneLine(await ninefold(['mount', 'exec:true', g.mnt], asNobody), 77, /all users share/);
});

test('an ordinary user mounts through fusermount3, and others cannot look in', skip, async (t) => {
  if (!existsSync('/usr/bin/fusermount3')) return t.skip('needs the package fuse3');
  const g = await ground(t);
  chmodSync(g.dir, 0o755);
  chmodSync(g.mnt, 0o700);
  chownSync(g.mnt, NOBODY, NOBODY);
  chownSync(g.share, NOBODY, NOBODY);
  const runtime = join(g.dir, 'nobody-run');
  mkdirSync(runtime, { mode: 0o700 });
  chownSync(runtime, NOBODY, NOBODY);
  // udev gives /dev/fuse mode 0666; where it did not, a mount namespace of the test's own has such a one.
  const node = join(g.dir, 'fuse');
  const n = nodeProgram('ninefold').join(' ');
  const script = `
    mknod ${node} c 10 229 && chmod 666 ${node} && mount --bind ${node} /dev/fuse || exit 99
    user() { setpriv --reuid=${NOBODY} --regid=${NOBODY} --clear-groups "$@"; }
    user ${n} mount "exec:${nodeProgram('qfsd', '0', '1', g.share, '--sandbox', 'none').join(' ')}" ${g.mnt} || exit 98
    user cat ${g.mnt}/hello; user sh -c 'echo mine > ${g.mnt}/made'
    cat ${g.mnt}/hello 2>&1
    user ${n} list
    grep ${g.mnt} /proc/self/mounts
    user ${n} unmount ${g.mnt} || exit 97
    grep ${g.mnt} /proc/self/mounts
    echo AFTERWARDS
    user ${n} list`;
  const r = await run(['/usr/bin/unshare', '-m', '/bin/sh', '-c', script], {
    env: { NINEFOLD_RUNTIME_DIR: runtime },
  });
  if (r.code === 99) return t.skip('needs to make a device node for the test');
  assert.ok(typeof r.code === 'number' && r.code < 97, r.stderr);
  assert.match(r.stdout, /^exec:.* is mounted on .*\nworldcat: .*Permission denied\nMOUNTPOINT /);
  const [before = '', afterwards = ''] = r.stdout.split('AFTERWARDS\n');
  // Others may have mounts of their own at this moment.
  const row = (text: string): string | undefined => text.split('\n').find((l) => l.startsWith(`${g.mnt} `));
  assert.match(row(before) ?? '', /connected/);
  assert.match(r.stdout, /fuse.ninefold rw,nosuid,nodev,.*user_id=65534/);
  assert.notEqual(afterwards, '');
  assert.equal(row(afterwards), undefined);
  assert.equal(readFileSync(join(g.share, 'made'), 'utf8'), 'mine\n');
});

test('a real ssh to a real sshd on the loopback', skip, async (t) => {
  const sshd = '/usr/sbin/sshd';
  if (!existsSync(sshd) || !existsSync('/usr/bin/ssh-keygen'))
    return t.skip('needs the package openssh-server');
  const g = await ground(t);
  chmodSync(g.dir, 0o700);
  for (const name of ['host', 'user'])
    spawnSync('/usr/bin/ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', join(g.dir, name)]);
  const bin = join(g.dir, 'ninefold');
  writeFileSync(bin, `#!/bin/sh\nNINEFOLD_SANDBOX=none exec ${nodeProgram('ninefold').join(' ')} "$@"\n`, {
    mode: 0o755,
  });
  const port = 20_000 + (process.pid % 20_000);
  const config = join(g.dir, 'sshd_config');
  writeFileSync(
    config,
    `Port ${port}\nListenAddress 127.0.0.1\nHostKey ${g.dir}/host\nAuthorizedKeysFile ${g.dir}/user.pub\nPidFile none\nStrictModes no\nUsePAM no\nPermitRootLogin yes\n`,
  );
  // Its service makes /run/sshd; here a mount namespace of the test's own has one.
  const inside = `mount -t tmpfs tmpfs /run && mkdir /run/sshd && exec ${sshd} -D -e -f ${config}`;
  const daemon = start(['/usr/bin/unshare', '-m', '/bin/sh', '-c', inside]);
  t.after(() => daemon.child.kill());
  await daemon.says(/Server listening/).catch(() => {});
  if (daemon.child.exitCode !== null)
    return t.skip(`sshd does not start here: ${(await daemon.ended).stderr.trim()}`);
  const ssh = join(g.dir, 'ssh');
  writeFileSync(
    ssh,
    `#!/bin/sh\nexec ssh -F none -i ${g.dir}/user -o IdentitiesOnly=yes -o BatchMode=yes -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -o LogLevel=ERROR "$@"\n`,
    { mode: 0o755 },
  );
  const source = `ssh://${userInfo().username}@127.0.0.1:${port}${g.share}`;
  const r = await ninefold(['mount', source, g.mnt, '--ssh-command', ssh, '--remote-command', bin], {
    env: g.env,
  });
  assert.equal(r.code, 0, `${r.stderr}\n`);
  const cat = await run(['/bin/cat', join(g.mnt, 'hello')], { patience: 10_000 });
  assert.equal(cat.stdout, 'world');
  assert.equal((await ninefold(['unmount', g.mnt], { env: g.env })).code, 0);
  daemon.child.kill();
  await daemon.ended;
});
