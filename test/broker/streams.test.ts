// SPDX-License-Identifier: MIT
// The whole way where no descriptors can be passed: the forced command of an SSH key, and agents behind a hypervisor's socket.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { createServer, connect as dial, type Server, type Socket } from 'node:net';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { cannotMount, start } from '../helpers/cli.ts';
import { answers, eventually, NINEFOLD, NODE, world } from './world.ts';

const reason = cannotMount();
const needsMount = reason === undefined ? {} : { skip: reason };

function isDead(mountpoint: string): boolean {
  try {
    readdirSync(mountpoint);
    return false;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ENOTCONN';
  }
}

test(
  'the forced command of an SSH key: what comes over its standard input and output is a call of the machine whose socket it names',
  needsMount,
  async (t) => {
    const w = world(t);
    const config = { self: 'desk', machines: { laptop: { socket: w.path('laptop.sock') } } };
    await w.broker(answers(w.dir, { answer: 'allow', lasts: 'always' }), config);
    // What sshd does: the login's shell runs the command of the key, whatever was asked for, with pipes.
    const forced = `${NODE} ${NINEFOLD} broker --stdio --socket ${w.path('laptop.sock')}`;
    const env = { NINEFOLD_BROKER: `exec:cat | ${forced} | cat` };
    const r = await w.run('ninefold', ['mount', `desk:${w.share}`, w.mnt], { env });
    assert.equal(r.code, 0, r.stderr);
    assert.equal(w.question().source, 'laptop');
    assert.equal(readFileSync(join(w.mnt, 'hello'), 'utf8'), 'world');
    const big = Buffer.alloc(3_000_000, 'nine');
    writeFileSync(join(w.mnt, 'sub/big'), big);
    assert.ok(readFileSync(w.path('share/sub/big')).equals(big));
    assert.equal((await w.ninefold('policy', 'revoke', '--source', 'laptop')).code, 0);
    await eventually('the end', () => w.log().some((l) => l.event === 'end'));
    await eventually('the end of the mount', () => isDead(w.mnt));
    assert.equal((await w.ninefold('unmount', w.mnt)).code, 0);

    // Its unmount ends the session too.
    assert.equal((await w.run('ninefold', ['mount', `desk:${w.share}`, w.mnt], { env })).code, 0);
    assert.equal((await w.ninefold('unmount', w.mnt)).code, 0);
    await eventually('the end', () => w.log().filter((l) => l.event === 'end').length === 2);
    assert.equal(w.log().findLast((l) => l.event === 'end')?.why, 'the client closed it');
  },
);

test(
  'the same by a real ssh and sshd: the key decides, whatever command is asked for',
  needsMount,
  async (t) => {
    const sshd = '/usr/sbin/sshd';
    if (!existsSync(sshd) || !existsSync('/usr/bin/ssh-keygen'))
      return t.skip('needs the package openssh-server');
    const w = world(t);
    for (const name of ['host', 'key'])
      spawnSync('/usr/bin/ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', w.path(name)]);
    const forced = `NINEFOLD_SANDBOX=none ${NODE} ${NINEFOLD} broker --stdio --socket ${w.path('laptop.sock')}`;
    const key = readFileSync(w.path('key.pub'), 'utf8');
    writeFileSync(w.path('keys'), `restrict,command="${forced}" ${key}`);
    const port = 20_000 + ((process.pid + 7919) % 20_000);
    writeFileSync(
      w.path('sshd_config'),
      `Port ${port}\nListenAddress 127.0.0.1\nHostKey ${w.path('host')}\nAuthorizedKeysFile ${w.path('keys')}\nPidFile none\nStrictModes no\nUsePAM no\nPermitRootLogin yes\n`,
    );
    // Its service makes /run/sshd; here a mount namespace of the test's own has one.
    const inside = `mount -t tmpfs tmpfs /run && mkdir /run/sshd && exec ${sshd} -D -e -f ${w.path('sshd_config')}`;
    const daemon = start(['/usr/bin/unshare', '-m', '/bin/sh', '-c', inside], { patience: 120_000 });
    t.after(() => daemon.child.kill());
    await daemon.says(/Server listening/).catch(() => {});
    if (daemon.child.exitCode !== null)
      return t.skip(`sshd does not start here: ${(await daemon.ended).stderr.trim()}`);
    const config = { self: 'desk', machines: { laptop: { socket: w.path('laptop.sock') } } };
    await w.broker(answers(w.dir, { answer: 'allow', lasts: 'always' }), config);
    const options = 'BatchMode=yes StrictHostKeyChecking=no UserKnownHostsFile=/dev/null LogLevel=ERROR';
    const ssh = `ssh -F none -i ${w.path('key')} -p ${port} ${options.replace(/(^| )/g, ' -o ')}`;
    const env = { NINEFOLD_BROKER: `exec:${ssh} ${userInfo().username}@127.0.0.1 cat ${w.path('host')}` };
    const r = await w.run('ninefold', ['mount', `desk:${w.share}`, w.mnt], { env });
    assert.equal(r.code, 0, r.stderr);
    assert.equal(w.question().source, 'laptop');
    assert.equal(readFileSync(join(w.mnt, 'hello'), 'utf8'), 'world');
    assert.equal((await w.ninefold('unmount', w.mnt)).code, 0);
    await eventually('the end', () => w.log().some((l) => l.event === 'end'));
    daemon.child.kill();
    await daemon.ended;
  },
);

test('a forced command whose broker is not there, and an address that is none', async (t) => {
  const w = world(t);
  const forced = `exec:${NODE} ${NINEFOLD} broker --stdio --socket ${w.path('none.sock')}`;
  for (const [broker, code, words] of [
    [forced, 69, /lost the broker at exec:.*it closed the connection/],
    ['tcp:127.0.0.1:1', 64, /a broker is not reached by tcp/],
    ['vsock:2', 64, /the vsock port is missing/],
  ] as const) {
    const r = await w.run('ninefold', ['mount', `desk:${w.share}`, w.mnt], {
      env: { NINEFOLD_BROKER: broker },
    });
    assert.equal(r.code, code, r.stderr);
    assert.match(r.stderr, words);
  }
});

/** What Firecracker's socket does: `CONNECT PORT`, then it is the guest's listener. */
async function hypervisor(t: TestContext, path: string, guest: ReadonlyMap<number, string>): Promise<Server> {
  const open = new Set<Socket>();
  const server = createServer({ allowHalfOpen: true }, (host) => {
    open.add(host);
    host.once('data', (hello: Buffer) => {
      host.pause();
      const [line = '', ...more] = hello.toString('latin1').split('\n');
      const to = guest.get(Number(line.replace('CONNECT ', '')));
      if (to === undefined) return void host.destroy();
      const there = dial({ path: to, allowHalfOpen: true }, () => {
        open.add(there);
        host.write('OK 1073741824\n');
        there.write(Buffer.from(more.join('\n'), 'latin1'));
        host.pipe(there).pipe(host);
      });
      for (const one of [host, there]) one.on('error', () => there.destroy());
      host.once('close', () => there.destroy());
      there.once('close', () => host.destroy());
    });
  });
  await new Promise<void>((resolve) => server.listen(path, resolve));
  t.after(() => {
    for (const one of open) one.destroy();
    server.close();
  });
  return server;
}

test(
  'an agent behind a hypervisor’s socket, and a call that comes out of one: mounted, revoked, unmounted',
  needsMount,
  async (t) => {
    const w = world(t);
    await w.listening('agent', '--listen', `unix:${w.path('agent.sock')}`);
    await hypervisor(t, w.path('vm.sock'), new Map([[5642, w.path('agent.sock')]]));
    const config = { machines: { vm: { address: `hybrid-vsock:${w.path('vm.sock')}:5642`, cid: 3 } } };
    await w.broker(answers(w.dir, { answer: 'allow', lasts: 'always' }), config);
    for (const end of ['revoke', 'unmount']) {
      const r = await w.ninefold('mount', `vm:${w.share}`, w.mnt);
      assert.equal(r.code, 0, r.stderr);
      // The hypervisor is this process: it must not wait for a file.
      assert.equal(await readFile(join(w.mnt, 'hello'), 'utf8'), 'world');
      const big = Buffer.alloc(2_000_000, end);
      await writeFile(join(w.mnt, 'sub/big'), big);
      assert.ok(readFileSync(w.path('share/sub/big')).equals(big));
      const count = w.log().filter((l) => l.event === 'end').length;
      if (end === 'revoke') {
        assert.equal((await w.ninefold('policy', 'revoke', '--target', 'vm')).code, 0);
        await eventually('the end', () => w.log().filter((l) => l.event === 'end').length === count + 1);
        const dead = (): Promise<boolean> =>
          readdir(w.mnt).then(
            () => false,
            () => true,
          );
        for (let i = 0; i < 100 && !(await dead()); i++) await sleep(20);
        assert.equal(await dead(), true, 'nothing is to be had any more');
      }
      assert.equal((await w.ninefold('unmount', w.mnt)).code, 0);
      await eventually('the end', () => w.log().filter((l) => l.event === 'end').length === count + 1);
    }
    const ended = w.log().findLast((l) => l.event === 'end');
    assert.equal(ended?.why, 'the client closed it');
    assert.equal(ended?.traffic?.written, 2_000_000, 'its server has told what went through');
    assert.ok((ended?.traffic?.read ?? 0) >= 5);
    // The folder was looked at beforehand, over the same way.
    assert.deepEqual(w.question().notes, []);
    const gone = await w.ninefold('mount', `vm:${w.dir}/none`, w.mnt);
    assert.equal(gone.code, 2, gone.stderr);
    assert.match(String(w.question().notes), /is not there|no such folder|there is no/i);
  },
);

test('files are sent the same ways: to an agent behind a hypervisor, and by a forced command', async (t) => {
  const w = world(t);
  w.env.NINEFOLD_INCOMING = w.path('incoming');
  mkdirSync(w.path('incoming'));
  const big = Buffer.alloc(3_000_000, 'letter');
  writeFileSync(w.path('letter'), big);
  await w.listening('agent', '--listen', `unix:${w.path('agent.sock')}`);
  await hypervisor(t, w.path('vm.sock'), new Map([[5642, w.path('agent.sock')]]));
  const machines = {
    vm: { address: `hybrid-vsock:${w.path('vm.sock')}:5642` },
    laptop: { socket: w.path('laptop.sock') },
  };
  await w.broker(answers(w.dir, { answer: 'allow' }), { self: 'desk', machines });
  const forced = `${NODE} ${NINEFOLD} broker --stdio --socket ${w.path('laptop.sock')}`;
  const laptop = { NINEFOLD_BROKER: `exec:cat | ${forced} | cat` };
  for (const [target, source, env] of [
    ['vm', 'desk', {}],
    ['desk', 'laptop', laptop],
    ['vm', 'laptop', laptop],
  ] as const) {
    const r = await w.run('ninefold', ['copy', w.path('letter'), target], { env });
    assert.equal(r.code, 0, r.stderr);
    assert.deepEqual([w.question().source, w.question().target], [source, target]);
    assert.ok(readFileSync(w.path('incoming/letter')).equals(big));
    rmSync(w.path('incoming/letter'));
  }
});
