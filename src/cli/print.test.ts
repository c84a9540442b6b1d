// SPDX-License-Identifier: MIT
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { closeSync, constants, openSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { nodeProgram } from '../../test/helpers/cli.ts';
import { scratch, TOP } from '../../test/helpers/places.ts';

/** A pipe that nobody will read. */
function brokenPipe(t: TestContext, dir: string): number {
  const path = join(dir, 'pipe');
  assert.equal(spawnSync('mkfifo', [path]).status, 0);
  const reader = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  const writer = openSync(path, 'w');
  closeSync(reader);
  t.after(() => closeSync(writer));
  return writer;
}

const WHAT: readonly (readonly [program: string, ...args: string[]])[] = [
  ['ninefold', '--help'],
  ['ninefold', '--version'],
  ['ninefold', 'policy', '--help'],
  ['ninefold', 'help', 'policy'],
  ['ninefold', 'policy', 'log', '--help'],
  ['ninefold', 'list', '--json'],
  ['ninefold', 'policy', 'paths'],
  ['ninefold', 'policy', 'list'],
  ['ninefold', 'sessions'],
  ['ninefold', 'mounts'],
  ['ninefold', 'broker', '--check'],
  ['qfsd', '--help'],
  ['qfsd', '--version'],
  ['qvm-copy', '--help'],
  ['qvm-mount-folder', '--help'],
  ['qvm-open-in-vm', '--help'],
  ['qrexec-client-vm', '--help'],
];

test('output that nobody reads ends each program without a word', (t) => {
  const dir = scratch(t, 'print');
  const fd = brokenPipe(t, dir);
  const env = { ...process.env, XDG_STATE_HOME: dir, XDG_CONFIG_HOME: dir, NINEFOLD_RUNTIME_DIR: dir };
  for (const [program, ...args] of WHAT) {
    const [node = '', ...argv] = nodeProgram(program, ...args);
    const r = spawnSync(node, argv, { stdio: ['ignore', fd, 'pipe'], encoding: 'utf8', env });
    assert.equal(r.stderr, '', `${program} ${args.join(' ')}`);
    assert.equal(r.status, 141, `${program} ${args.join(' ')}`);
  }
});

test('a full disk is told in one line', (t) => {
  const dir = scratch(t, 'print');
  const fd = openSync('/dev/full', 'w');
  t.after(() => closeSync(fd));
  const env = { ...process.env, XDG_STATE_HOME: dir, XDG_CONFIG_HOME: dir, NINEFOLD_RUNTIME_DIR: dir };
  for (const [program, ...args] of WHAT) {
    const [node = '', ...argv] = nodeProgram(program, ...args);
    const r = spawnSync(node, argv, { stdio: ['ignore', fd, 'pipe'], encoding: 'utf8', env });
    assert.match(r.stderr, /^ninefold: cannot write to standard output: .*ENOSPC.*; make room.*\n$/);
    assert.equal(r.status, 74, `${program} ${args.join(' ')}`);
  }
});

/** Where standard output is a channel, with an end of its own. */
const CHANNELS = ['broker/client-options.ts', 'broker/client-vm.ts', 'policy/ask-tty.ts', 'rpc/session.ts'];

test('no program writes on standard output by any other way', () => {
  const cli = join(TOP, 'src/cli');
  const found = readdirSync(cli, { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts') && !file.endsWith('.test.ts') && file !== 'print.ts')
    .filter((file) => readFileSync(join(cli, file), 'utf8').includes('process.stdout'));
  assert.deepEqual(found.toSorted(), CHANNELS);
});
