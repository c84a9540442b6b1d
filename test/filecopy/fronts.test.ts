// SPDX-License-Identifier: MIT
// What the programs that a person calls make of names, of Ctrl-C, and of the program that they call in turn.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  closeSync,
  existsSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { callService } from '../../src/cli/copy/call.ts';
import { leftovers, ninefold, nodeProgram, type Ran, run, start } from '../helpers/cli.ts';
import { OUT, program, scratch } from '../helpers/places.ts';

const NODE = process.execPath;
const CLIENT = join(OUT, 'test/filecopy/client.js');

interface Bench {
  path(name: string): string;
  /** A program of that name that does this. */
  script(name: string, text: string, mode?: number): string;
  readonly env: Record<string, string>;
}

/** A folder `from`, a folder `in` that a receiver which allows all names puts files into, and the client that joins both. */
function bench(t: { after(fn: () => void): void }): Bench {
  const top = scratch(t, 'fronts');
  const path = (name: string): string => join(top, name);
  const script = (name: string, text: string, mode = 0o755): string => {
    writeFileSync(path(name), `#!/bin/sh\n${text}\n`, { mode });
    return path(name);
  };
  mkdirSync(path('from'));
  mkdirSync(path('in'));
  const service = script(
    'service',
    `exec '${NODE}' '${program('qfile-unpacker')}' \${1:+"--$1"} '' '${path('in')}'`,
  );
  const env = {
    NINEFOLD_QREXEC_CLIENT: script('client', `exec '${NODE}' '${CLIENT}' "$@"`),
    NINEFOLD_TEST_SERVICE_qubes_Filecopy: JSON.stringify([service]),
    NINEFOLD_TEST_CALLS: path('calls'),
    NINEFOLD_SANDBOX: 'none',
  };
  return { path, script, env };
}

test('a link to a name with odd characters goes where the name goes: to a receiver that allows all names', async (t) => {
  const b = bench(t);
  mkdirSync(b.path('from/d'));
  writeFileSync(b.path('from/d/party 🎉.txt'), 'x');
  symlinkSync('party 🎉.txt', b.path('from/d/l'));
  const how = { env: b.env, cwd: b.path('from') };
  const dry = await run(nodeProgram('qvm-copy', '--dry-run', 'd'), how);
  assert.equal(dry.code, 2);
  assert.match(dry.stderr, /"d\/l": the path that the link holds has a character/);
  const sent = await run(nodeProgram('qvm-copy', 'd'), how);
  assert.equal(sent.code, 0, sent.stderr);
  assert.match(readFileSync(b.path('calls'), 'utf8'), /qubes\.Filecopy\+allow-all-names/);
  assert.equal(readlinkSync(b.path('in/d/l')), 'party 🎉.txt');
  mkdirSync(b.path('other'));
  const to = `exec:${NODE} ${program('ninefold')} receive --stdio --allow-all-names ${b.path('other')}`;
  assert.equal((await ninefold(['copy', 'd', to], how)).code, 66);
  const all = await ninefold(['copy', '--all-names', 'd', to], how);
  assert.equal(all.code, 0, all.stderr);
  assert.equal(readlinkSync(b.path('other/d/l')), 'party 🎉.txt');
});

test('names that are no UTF-8: by the front ends, beside others, and by qfile-agent itself', async (t) => {
  const b = bench(t);
  const shell = (line: string): Promise<Ran> =>
    run(['/bin/sh', '-c', line, NODE, program('qvm-copy'), program('qfile-agent')], {
      cwd: b.path('from'),
      env: b.env,
    });
  const names = (): string[] => readdirSync(b.path('in'), 'latin1').sort();
  const made = await shell(
    'for n in "$(printf "caf\\351")" "$(printf "caf\\350")" plain --move "$(printf "\\357\\277\\275")"; do echo "$n" > "./$n"; done',
  );
  assert.equal(made.code, 0, made.stderr);
  const front = await shell('"$0" "$1" -- *');
  assert.equal(front.code, 0, front.stderr);
  const all = ['--move', 'caf\xe8', 'caf\xe9', 'plain', '\xef\xbf\xbd'];
  assert.deepEqual(names(), all);
  assert.equal(readFileSync(Buffer.from(`${b.path('in')}/caf\xe9`, 'latin1'), 'latin1'), 'caf\xe9\n');
  assert.doesNotMatch(readFileSync(b.path('calls'), 'utf8'), /path-hex=706c61696e/, 'plain is told as it is');
  execFileSync('sh', ['-c', 'rm -- *'], { cwd: b.path('in') });
  // The stand-in for the client is Node, which hands over none of those bytes: here it is a shell that calls the agent.
  const joined = await shell(
    `mkfifo ../f && "$0" '${program('qfile-unpacker')}' --allow-all-names '' ../in < ../f | "$0" "$2" -- caf* "$(printf "\\357\\277\\275")" > ../f`,
  );
  assert.equal(joined.code, 0, joined.stderr);
  assert.deepEqual(names(), ['caf\xe8', 'caf\xe9', '\xef\xbf\xbd']);
});

test('Ctrl-C when all is over changes nothing; before that it is told what became of it', async (t) => {
  const b = bench(t);
  writeFileSync(b.path('from/f'), 'f');
  execFileSync('mkfifo', [b.path('go')]);
  const client = b.script('slow', `echo called >&2; read status < '${b.path('go')}'; exit "$status"`);
  const how = { env: { ...b.env, NINEFOLD_QREXEC_CLIENT: client }, cwd: b.path('from') };
  for (const argv of [nodeProgram('qvm-copy', 'f'), nodeProgram('ninefold', 'move', 'f', 'work')])
    for (const [status, code] of [
      [0, 0],
      [1, 130],
    ]) {
      const front = start(argv, how);
      await front.says(/called/);
      front.child.kill('SIGINT');
      // Nothing shows that it has noticed; what comes in the same moment may be seen first.
      await sleep(500);
      writeFileSync(b.path('go'), `${status}\n`);
      const r = await front.ended;
      assert.equal(r.code, code, r.stderr);
      assert.equal(/nothing was removed here/.test(r.stderr), code === 130);
    }
});

for (const [how, end] of [
  ['that does not move', 'exec sleep 600'],
  // As when the same key has reached both.
  ['that ends by it too', 'kill -INT "$PPID"; exit 1'],
] as const)
  test(`Ctrl-C on the way to a receiver ${how}: told, and nothing removed`, async (t) => {
    const b = bench(t);
    const fd = openSync(b.path('from/big'), 'w');
    ftruncateSync(fd, 2 ** 30);
    closeSync(fd);
    // Once it has read something the transfer is under way.
    const receiver = b.script('receiver', `head -c 9999 > /dev/null; touch '${b.path('begun')}'; ${end}`);
    const argv = nodeProgram('ninefold', 'move', 'big', `exec:exec ${receiver}`);
    const sender = start(argv, { cwd: b.path('from') });
    for (let i = 0; i < 1000 && !existsSync(b.path('begun')); i++) await sleep(10);
    if (end.startsWith('exec')) sender.child.kill('SIGINT');
    const r = await sender.ended;
    assert.equal(r.code, 130, r.stderr);
    assert.match(r.stderr, /stopped the transfer: it was cancelled; files that had arrived whole stay there/);
    assert.deepEqual(readdirSync(b.path('from')), ['big']);
    assert.deepEqual(await leftovers(b.path('.')), []);
  });

test('a client that cannot be started: why, and what to do', async (t) => {
  const b = bench(t);
  const env = { ...process.env };
  t.after(() => {
    process.env = env;
  });
  const call = (client: string | undefined, args: readonly string[] = []): Promise<number> => {
    if (client === undefined) delete process.env.NINEFOLD_QREXEC_CLIENT;
    else process.env.NINEFOLD_QREXEC_CLIENT = client;
    return callService({ target: 'work', service: 'x', program: 'qfile-agent', args, env: {} });
  };
  const nowhere = { code: 'SERVICE_CLIENT', exit: 71, why: 'it is not installed' };
  await assert.rejects(call(b.path('none')), { ...nowhere, on: b.path('none') });
  const plain = b.script('qrexec-client-vm', '', 0o644);
  const shut = { code: 'SERVICE_CLIENT', exit: 77, on: plain, why: 'it may not be executed' };
  await assert.rejects(call(plain), shut);
  writeFileSync(b.path('odd'), '#!/nowhere/sh\n', { mode: 0o755 });
  await assert.rejects(call(b.path('odd')), { exit: 71, why: /first line/ });
  // Longer than any one argument may be.
  const long = { code: 'SERVICE_CLIENT', exit: 64, remedy: /the folder that they are in/ };
  await assert.rejects(call(b.script('well', 'exit 0'), ['x'.repeat(200_000)]), long);
  process.env.NINEFOLD_RUNTIME_DIR = b.path('run');
  delete process.env.NINEFOLD_BROKER;
  process.env.PATH = `${b.path('empty')}:${b.path('.')}`;
  await assert.rejects(call(undefined), shut);
  chmodSync(plain, 0o755);
  assert.equal(await call(undefined), 0);
  process.env.PATH = b.path('empty');
  await assert.rejects(call(undefined), { ...nowhere, on: 'qrexec-client-vm' });
});
