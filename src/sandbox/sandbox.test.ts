// SPDX-License-Identifier: MIT
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  closeSync,
  constants,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { ENOSYS } from '../base/errno.ts';
import { landlockVersion } from '../linux/landlock.ts';
import { ringFilter } from '../linux/seccomp.ts';
import {
  chooseSandbox,
  confine,
  programPackages,
  type SandboxKind,
  type SandboxSpec,
  sandboxMeans,
} from './index.ts';

/**
 * Runs inside: tries what a taken-over server would try, and prints what came of each attempt. The native module stands for the program's own needs.
 */
const PROBE = `
import { closeSync, fstatSync, openSync, readdirSync, readFileSync, readlinkSync, statSync, writeFileSync, writeSync } from 'node:fs';
import { connect } from 'node:net';
const { root, outside, port, pid, ffi } = JSON.parse(process.argv[2]);
const { default: koffi } = await import(ffi);
const share = root.path ?? '/proc/self/fd/' + root.fd;
const attempt = (f) => { try { return f() ?? 'done'; } catch (e) { return e.code ?? String(e); } };
const tcp = await new Promise((ok) => {
  const s = connect(port, '127.0.0.1', () => { s.destroy(); ok('connected'); });
  s.on('error', (e) => ok(e.code));
});
const libc = koffi.load('libc.so.6');
const kill = libc.func('int kill(int pid, int signal)');
const syscall = libc.func('long syscall(long, long, long)');
const IO_URING_SETUP = 425;
console.log(JSON.stringify({
  share: attempt(() => readFileSync(share + '/hello', 'utf8')),
  folder: attempt(() => readdirSync(share).sort().join()),
  write: attempt(() => writeFileSync(share + '/new', 'x')),
  outside: attempt(() => readFileSync(outside, 'utf8')),
  above: attempt(() => readFileSync(share + '/../secret', 'utf8')),
  passwd: attempt(() => readFileSync('/etc/passwd', 'utf8')),
  root: attempt(() => readdirSync('/').sort().join()),
  tmp: attempt(() => writeFileSync('/tmp-file', 'x')),
  core: attempt(() => closeSync(openSync('/proc/sys/kernel/core_pattern', 'r+'))),
  tcp,
  process: attempt(() => readFileSync('/proc/' + pid + '/status', 'utf8')),
  kill: kill(pid, 0),
  ring: syscall(IO_URING_SETUP, 1, 0) === -1 ? koffi.errno() : 'made',
  pids: attempt(() => readdirSync('/proc').filter((n) => /^\\d+$/.test(n)).length),
  fds: attempt(() => readdirSync('/proc/self/fd').map((n) => { try { return readlinkSync('/proc/self/fd/' + n); } catch { return ''; } })),
  reopened: attempt(() => { const fd = openSync(share + '/hello', 'r'); const again = openSync('/proc/self/fd/' + fd, 'r'); return readFileSync(again, 'utf8'); }),
  status: readFileSync('/proc/self/status', 'utf8'),
  uid: process.getuid(),
  env: Object.keys(process.env).sort(),
  argv: process.argv.length,
}));
`;

interface Seen {
  [attempt: string]: unknown;
  status: string;
  fds: string[];
  env: string[];
}

interface Ground {
  dir: string;
  spec: SandboxSpec;
  fd: number;
}

const nobody = { uid: 65534, gid: 65534 };

/** A folder to share, with a secret beside it, and the probe as a program. Everything may be read by anyone, so that only the sandbox stands in the way. */
function ground(t: TestContext, over: Partial<SandboxSpec> = {}): Ground {
  const dir = realpathSync(mkdtempSync(join(tmpdir(), 'ninefold-sandbox-')));
  chmodSync(dir, 0o755);
  mkdirSync(join(dir, 'share'));
  mkdirSync(join(dir, 'program'));
  writeFileSync(join(dir, 'share/hello'), 'world');
  writeFileSync(join(dir, 'secret'), 'secret');
  writeFileSync(join(dir, 'program/probe.mjs'), PROBE);
  const fd = openSync(join(dir, 'share'), constants.O_RDONLY | constants.O_DIRECTORY);
  t.after(() => {
    closeSync(fd);
    rmSync(dir, { recursive: true });
  });
  const packages = programPackages(fileURLToPath(import.meta.url));
  // As npm would have put them for who is not inside bubblewrap.
  mkdirSync(join(dir, 'node_modules/@koromix'), { recursive: true });
  for (const [name, from] of Object.entries(packages)) symlinkSync(from, join(dir, 'node_modules', name));
  return {
    dir,
    fd,
    spec: {
      program: { dir: join(dir, 'program'), file: 'probe.mjs', packages, nodeArgs: [] },
      shareFd: 3,
      fds: [],
      filterFd: 4,
      readOnly: false,
      asRoot: process.geteuid?.() === 0,
      devices: false,
      dieWithParent: true,
      ...over,
    },
  };
}

/** Runs the probe confined; fails with its stderr. */
async function probe(g: Ground, kind: SandboxKind, as?: { uid: number; gid: number }): Promise<Seen> {
  const means = sandboxMeans(landlockVersion(), ringFilter);
  const server = createServer((s) => s.destroy()).listen(0, '127.0.0.1');
  await new Promise((ok) => server.once('listening', ok));
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  const launcher = { file: fileURLToPath(new URL('../../bin/landlock.cjs', import.meta.url)), nodeArgs: [] };
  const env = { NINEFOLD_X: '1', NODE_OPTIONS: '--no-such-option', LD_PRELOAD: '/x', HOME: '/root' };
  const { argv, env: kept } = confine(kind, means, g.spec, launcher, env, (root) => [
    JSON.stringify({ root, outside: join(g.dir, 'secret'), port, pid: process.pid, ffi: 'koffi' }),
  ]);
  try {
    return await run(argv, kept, g.fd, as);
  } finally {
    server.close();
  }
}

function run(
  argv: readonly string[],
  env: Record<string, string>,
  fd: number,
  as?: { uid: number; gid: number },
): Promise<Seen> {
  return new Promise((resolve, reject) => {
    const [program = '', ...args] = argv;
    const filter = ringFilter();
    const child = spawn(program, args, {
      env,
      cwd: '/',
      stdio: ['ignore', 'pipe', 'pipe', fd, filter],
      ...as,
      timeout: 20_000,
    });
    closeSync(filter);
    let out = '';
    let err = '';
    child.stdout?.on('data', (d) => {
      out += d;
    });
    child.stderr?.on('data', (d) => {
      err += d;
    });
    child.once('error', reject);
    child.once('close', (code) => {
      if (code === 0) resolve(JSON.parse(out) as Seen);
      else reject(new Error(`status ${code}: ${err}`));
    });
  });
}

function field(status: string, name: string): string {
  return new RegExp(`^${name}:\\s*(.*)$`, 'm').exec(status)?.[1] ?? '';
}

const identities = process.geteuid?.() === 0 ? ([undefined, nobody] as const) : ([undefined] as const);

for (const as of identities) {
  const who = as === undefined ? 'this user' : 'an ordinary user';
  const over = as === undefined ? {} : { asRoot: false };

  test(`bubblewrap, ${who}: one folder, no network, no other process`, async (t) => {
    const g = ground(t, over);
    if (as !== undefined) chownSync(join(g.dir, 'share'), as.uid, as.gid);
    if (!(await works(t, g))) return;
    const seen = await probe(g, 'bwrap', as);
    assert.equal(seen.share, 'world');
    assert.equal(seen.reopened, 'world');
    assert.equal(seen.write, 'done');
    assert.ok(existsSync(join(g.dir, 'share/new')));
    assert.equal(seen.outside, 'ENOENT');
    assert.equal(seen.above, 'ENOENT');
    assert.equal(seen.passwd, 'ENOENT');
    // Node itself may lie anywhere.
    const others = String(seen.root)
      .split(',')
      .filter((name) => name !== process.execPath.split('/')[1]);
    assert.doesNotMatch(others.join(), /home|root|tmp|var|sys/);
    assert.ok(['EROFS', 'EACCES'].includes(String(seen.tmp)), String(seen.tmp));
    assert.ok(['EROFS', 'EACCES'].includes(String(seen.core)), String(seen.core));
    assert.ok(['ECONNREFUSED', 'ENETUNREACH'].includes(String(seen.tcp)), String(seen.tcp));
    assert.equal(seen.process, 'ENOENT');
    assert.equal(seen.kill, -1);
    assert.ok(Number(seen.pids) <= 3);
    assert.ok(!seen.fds.some((f) => f.startsWith(g.dir)), seen.fds.join());
    assert.deepEqual(
      seen.env.filter((n) => n !== 'PWD'),
      ['NINEFOLD_X'],
    );
    assert.equal(field(seen.status, 'NoNewPrivs'), '1');
    assert.equal(seen.ring, ENOSYS);
    assert.ok(!seen.fds.some((f) => f.includes('io_uring')), seen.fds.join());
    assert.equal(seen.uid, as?.uid ?? process.geteuid?.());
    const expected = as === undefined && process.geteuid?.() === 0 ? 0xdbn : 0n;
    assert.equal(BigInt(`0x${field(seen.status, 'CapEff')}`), expected);
  });

  test(`bubblewrap, ${who}: a read-only share cannot be written`, async (t) => {
    const g = ground(t, { ...over, readOnly: true });
    chmodSync(join(g.dir, 'share'), 0o777);
    if (!(await works(t, g))) return;
    const seen = await probe(g, 'bwrap', as);
    assert.equal(seen.share, 'world');
    assert.equal(seen.write, 'EROFS');
  });

  test(`Landlock, ${who}: no files but those of the folder, no TCP, no signals`, async (t) => {
    const version = landlockVersion();
    if (version === 0) return t.skip('this kernel has no Landlock');
    const g = ground(t, over);
    chmodSync(join(g.dir, 'share'), 0o777);
    if (as !== undefined) chownSync(join(g.dir, 'share'), as.uid, as.gid);
    const seen = await probe(g, 'landlock', as);
    assert.equal(seen.share, 'world');
    assert.equal(seen.reopened, 'world');
    assert.equal(seen.write, 'done');
    assert.equal(seen.outside, 'EACCES');
    assert.equal(seen.above, 'EACCES');
    assert.equal(seen.passwd, 'EACCES');
    assert.equal(seen.root, 'EACCES');
    assert.ok(['EROFS', 'EACCES'].includes(String(seen.core)), String(seen.core));
    assert.equal(seen.process, 'EACCES');
    if (version >= 4) assert.equal(seen.tcp, 'EACCES');
    if (version >= 6) assert.equal(seen.kill, -1);
    assert.deepEqual(seen.env, ['NINEFOLD_X']);
    assert.equal(field(seen.status, 'NoNewPrivs'), '1');
    assert.equal(seen.ring, ENOSYS);
    if (as === undefined && process.geteuid?.() === 0) {
      assert.equal(field(seen.status, 'CapEff'), '00000000000000db');
      assert.equal(field(seen.status, 'CapBnd'), '00000000000000db');
    }
  });

  test(`Landlock, ${who}: a read-only share cannot be written`, async (t) => {
    if (landlockVersion() === 0) return t.skip('this kernel has no Landlock');
    const g = ground(t, { ...over, readOnly: true });
    chmodSync(join(g.dir, 'share'), 0o777);
    const seen = await probe(g, 'landlock', as);
    assert.equal(seen.share, 'world');
    assert.equal(seen.write, 'EACCES');
  });
}

test('the probe itself works where nothing confines it', async (t) => {
  const g = ground(t);
  const seen = await probe(g, 'none');
  assert.equal(seen.share, 'world');
  assert.equal(seen.outside, 'secret');
  assert.equal(seen.above, 'secret');
  assert.equal(seen.tcp, 'connected');
  assert.notEqual(seen.ring, ENOSYS);
  assert.equal(seen.kill, 0);
});

test('a folder swapped after it was opened is not the one that is served', async (t) => {
  const g = ground(t);
  if (!(await works(t, g))) return;
  renameSync(join(g.dir, 'share'), join(g.dir, 'old'));
  mkdirSync(join(g.dir, 'share'));
  writeFileSync(join(g.dir, 'share/hello'), 'swapped');
  assert.equal((await probe(g, 'bwrap')).share, 'world');
});

test('killing bubblewrap leaves no process behind', async (t) => {
  const g = ground(t);
  if (!(await works(t, g))) return;
  const marker = `ninefold-${process.pid}-${Date.now()}`;
  writeFileSync(
    join(g.dir, 'program/probe.mjs'),
    "process.stdout.write('ready'); setInterval(() => {}, 1000);",
  );
  const { argv, env } = confine(
    'bwrap',
    sandboxMeans(0, ringFilter),
    g.spec,
    { file: '', nodeArgs: [] },
    {},
    () => [marker],
  );
  const [program = '', ...args] = argv;
  const filter = ringFilter();
  const child = spawn(program, args, { env, stdio: ['ignore', 'pipe', 'inherit', g.fd, filter] });
  closeSync(filter);
  await new Promise((ok) => child.stdout?.once('data', ok));
  assert.ok(running(marker) >= 2);
  child.kill('SIGKILL');
  for (let i = 0; i < 100 && running(marker) > 0; i++) await new Promise((ok) => setTimeout(ok, 20));
  assert.equal(running(marker), 0);
});

function running(marker: string): number {
  return readdirSync('/proc').filter((pid) => {
    if (!/^\d+$/.test(pid)) return false;
    try {
      return readFileSync(`/proc/${pid}/cmdline`, 'latin1').includes(marker);
    } catch {
      return false;
    }
  }).length;
}

test('what is chosen: auto takes bubblewrap, then Landlock with a note, then refuses', async (t) => {
  const g = ground(t);
  const means = sandboxMeans(landlockVersion(), ringFilter);
  const without = { ...means, bwrap: undefined };
  const broken = { ...means, bwrap: { path: '/bin/false', bindFd: true, disableUserns: true } };
  assert.equal((await chooseSandbox('none', without, g.spec, g.fd)).kind, 'none');
  const second = await chooseSandbox('auto', { ...without, landlock: 4 }, g.spec, g.fd);
  assert.equal(second.kind, 'landlock');
  assert.match(second.note ?? '', /bubblewrap is not installed.*package bubblewrap/);
  const third = await chooseSandbox('auto', { ...broken, landlock: 4 }, g.spec, g.fd);
  assert.match(third.note ?? '', /bubblewrap does not work here/);
  // A kernel that takes no filter of calls: bubblewrap would end with it each time.
  const unfiltered = { ...means, ringFilter: () => openSync('/dev/null', 'r') };
  const old = { ...means, bwrap: means.bwrap && { ...means.bwrap, bindFd: false } };
  if (await works(t, g))
    for (const [m, why] of [
      [unfiltered, /bubblewrap does not work here/],
      [old, /bubblewrap does not work here \(it is older than 0\.10/],
    ] as const)
      assert.match((await chooseSandbox('auto', { ...m, landlock: 4 }, g.spec, g.fd)).note ?? '', why);
  for (const [kind, m] of [
    ['auto', { ...without, landlock: 0 }],
    ['bwrap', { ...without, landlock: 4 }],
    ['bwrap', { ...broken, landlock: 4 }],
    ['landlock', { ...without, landlock: 0 }],
  ] as const)
    await assert.rejects(chooseSandbox(kind, m, g.spec, g.fd), {
      code: 'SANDBOX_MISSING',
      exit: 71,
      message: /package bubblewrap/,
    });
  if (await works(t, g))
    assert.deepEqual(await chooseSandbox('auto', means, g.spec, g.fd), { kind: 'bwrap' });
});

/** Whether bubblewrap can be used on this machine; else skips the test. */
async function works(t: TestContext, g: Ground): Promise<boolean> {
  const means = sandboxMeans(0, ringFilter);
  try {
    await chooseSandbox('bwrap', means, g.spec, g.fd);
    return true;
  } catch (error) {
    t.skip(error instanceof Error ? error.message : String(error));
    return false;
  }
}

test('the confined process gets its own bytes of the folder, not a copy', async (t) => {
  const g = ground(t);
  if (!(await works(t, g))) return;
  await probe(g, 'bwrap');
  assert.equal(readFileSync(join(g.dir, 'share/new'), 'utf8'), 'x');
  assert.equal(statSync(join(g.dir, 'share/new')).uid, process.geteuid?.());
});
