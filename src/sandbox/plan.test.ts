// SPDX-License-Identifier: MIT
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  bwrapArguments,
  confinedEnvironment,
  landlockOrder,
  type SandboxSpec,
  serverCapabilities,
} from './plan.ts';

const BWRAP = { path: '/usr/bin/bwrap', bindFd: true, disableUserns: true };
const RUNTIME = {
  node: '/opt/node',
  binds: [
    { from: '/opt/node', to: '/opt/node' },
    { from: '/usr/lib/ld-2.so', to: '/lib64/ld-linux.so' },
  ],
};
const SPEC: SandboxSpec = {
  program: { dir: '/app/bin', file: 'x.mjs', packages: { koffi: '/app/koffi' }, nodeArgs: [] },
  shareFd: 5,
  fds: [3],
  readOnly: false,
  asRoot: true,
  devices: false,
  dieWithParent: false,
};

/** Whether `words` stand in `args` in this order, one after the other. */
function has(args: readonly string[], ...words: string[]): boolean {
  return args.some((_, i) => words.every((w, k) => args[i + k] === w));
}

test('root: no user namespace, few capabilities, devices only when granted', () => {
  const args = bwrapArguments(BWRAP, SPEC, RUNTIME);
  assert.ok(!args.includes('--unshare-user'));
  assert.ok(has(args, '--cap-drop', 'ALL', '--cap-add', 'CAP_CHOWN'));
  assert.ok(!args.includes('CAP_MKNOD'));
  assert.ok(bwrapArguments(BWRAP, { ...SPEC, devices: true }, RUNTIME).includes('CAP_MKNOD'));
  assert.deepEqual(serverCapabilities(false), [
    'CHOWN',
    'DAC_OVERRIDE',
    'FOWNER',
    'FSETID',
    'SETGID',
    'SETUID',
  ]);
});

test('a filter is handed over where there is one', () => {
  assert.ok(!bwrapArguments(BWRAP, SPEC, RUNTIME).includes('--seccomp'));
  assert.ok(has(bwrapArguments(BWRAP, { ...SPEC, filterFd: 7 }, RUNTIME), '--seccomp', '7'));
});

test('an ordinary user: a user namespace, no further ones, no capability at all', () => {
  const args = bwrapArguments(BWRAP, { ...SPEC, asRoot: false, devices: true }, RUNTIME);
  assert.ok(has(args, '--unshare-user', '--disable-userns'));
  assert.ok(has(args, '--cap-drop', 'ALL'));
  assert.ok(!args.includes('--cap-add'));
  assert.ok(
    !bwrapArguments({ ...BWRAP, disableUserns: false }, { ...SPEC, asRoot: false }, RUNTIME).includes(
      '--disable-userns',
    ),
  );
});

test('the folder by its descriptor, read-only or not; everything else read-only', () => {
  const args = bwrapArguments(BWRAP, SPEC, RUNTIME);
  assert.ok(has(args, '--bind-fd', '5', '/share', '--remount-ro', '/'));
  assert.ok(has(args, '--proc', '/proc', '--remount-ro', '/proc'));
  assert.ok(has(args, '--ro-bind', '/usr/lib/ld-2.so', '/lib64/ld-linux.so'));
  assert.ok(has(args, '--ro-bind', '/app/koffi', '/program/node_modules/koffi'));
  assert.equal(args.filter((a) => a === '--bind' || a === '--bind-fd').length, 1);
  assert.equal(args.at(-1), '--');
  const ro = bwrapArguments(BWRAP, { ...SPEC, readOnly: true }, RUNTIME);
  assert.ok(has(ro, '--ro-bind-fd', '5', '/share'));
  assert.ok(!ro.includes('--bind') && !ro.includes('--bind-fd'));
  for (const flag of ['--unshare-pid', '--unshare-net', '--unshare-ipc', '--unshare-uts', '--new-session']) {
    assert.ok(args.includes(flag), flag);
  }
  assert.ok(!args.includes('--die-with-parent'));
  assert.ok(bwrapArguments(BWRAP, { ...SPEC, dieWithParent: true }, RUNTIME).includes('--die-with-parent'));
});

test('the Landlock order: reading for all but the folder, capabilities as root only', () => {
  const order = landlockOrder(SPEC, RUNTIME, ['/opt/node', 'x']);
  assert.ok(order.rules.every((r) => r.access !== 'all' || r.path === '/dev/null'));
  assert.deepEqual(
    order.rules.map((r) => r.path),
    ['/opt/node', '/usr/lib/ld-2.so', '/app/bin', '/app/koffi', '/dev/null', '/proc/self'],
  );
  assert.deepEqual(order.capabilities, serverCapabilities(false));
  assert.deepEqual(landlockOrder({ ...SPEC, asRoot: false }, RUNTIME, []).capabilities, []);
});

test('of the environment only what is ours goes in', () => {
  const env = {
    NINEFOLD_MSIZE: '1',
    NINEFOLD_: '1',
    XNINEFOLD_A: '1',
    NODE_OPTIONS: '--inspect',
    LD_PRELOAD: '/x',
    UV_THREADPOOL_SIZE: '8',
    UV_USE_IO_URING: '1',
    LANG: 'C',
    HOME: '/root',
    TZ: undefined,
  };
  assert.deepEqual(confinedEnvironment(env), { NINEFOLD_MSIZE: '1', UV_THREADPOOL_SIZE: '8', LANG: 'C' });
});
