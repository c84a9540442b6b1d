// SPDX-License-Identifier: MIT
// The programs as a person uses them: both ends on this machine, joined by what stands in for qrexec-client-vm, or over our own transports.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import {
  closeSync,
  existsSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { pipe } from '../../src/linux/descriptors.ts';
import { crc32, encodeResult, HEADER_SIZE } from '../../src/qfile/index.ts';
import { leftovers, ninefold, nodeProgram, type Ran, type RunHow, run, start } from '../helpers/cli.ts';
import { OUT, program, scratch } from '../helpers/places.ts';
import { listing, makeTree } from './trees.ts';

const CLIENT = join(OUT, 'test/filecopy/client.js');

interface Desk {
  top: string;
  from: string;
  incoming: string;
  env: Record<string, string>;
  copy(front: string, args: readonly string[], how?: RunHow): Promise<Ran>;
}

/** A folder to send from, a home to receive in, and a stand-in for qrexec-client-vm. */
function desk(t: { after(fn: () => void): void }, sandbox = 'none'): Desk {
  let top = '';
  // Before the folder is removed, for who is not root.
  t.after(() => execFileSync('chmod', ['-R', 'u+rwx', top]));
  top = scratch(t, 'copy');
  const from = join(top, 'from');
  const incoming = join(top, 'in');
  mkdirSync(from);
  mkdirSync(incoming);
  const client = join(top, 'client');
  writeFileSync(client, `#!/bin/sh\nexec '${process.execPath}' '${CLIENT}' "$@"\n`, { mode: 0o755 });
  const service = join(top, 'qubes.Filecopy');
  // The service's own script, with the programs of this build and a folder of the test's.
  const text = readFileSync('packaging/qubes-rpc/qubes.Filecopy', 'utf8');
  writeFileSync(
    service,
    text.replace(/^unpacker=.*$/m, `unpacker='${process.execPath} ${program('qfile-unpacker')}'`),
    { mode: 0o755 },
  );
  const env = {
    NINEFOLD_QREXEC_CLIENT: client,
    NINEFOLD_TEST_SERVICE_qubes_Filecopy: JSON.stringify(['/bin/sh', service]),
    NINEFOLD_TEST_CALLS: join(top, 'calls'),
    NINEFOLD_INCOMING: incoming,
    NINEFOLD_SANDBOX: sandbox,
  };
  const copy = (front: string, args: readonly string[], how: RunHow = {}): Promise<Ran> => {
    const link = join(top, front);
    if (!existsSync(link)) symlinkSync(program('qvm-copy'), link);
    return run([process.execPath, link, ...args], {
      cwd: from,
      ...how,
      env: { ...env, ...how.env },
      patience: 60_000,
    });
  };
  return { top, from, incoming, env, copy };
}

const kinds = ['none', 'auto'];
for (const sandbox of kinds)
  test(`a tree of everything goes over and is the same there (--sandbox ${sandbox})`, async (t) => {
    const d = desk(t, sandbox);
    makeTree(d.from);
    const r = await d.copy('qvm-copy', ['tree/']);
    assert.equal(r.code, 0, r.stderr);
    assert.match(r.stderr, /copied 18 files, 4 folders, 3 links: 9\.0 MB in /);
    assert.match(r.stderr, /left out 1 device, pipe or socket/);
    const sent = listing(d.from).filter((line) => !line.startsWith('/tree/pipe'));
    assert.deepEqual(listing(d.incoming), sent);
    assert.match(readFileSync(join(d.top, 'calls'), 'utf8'), /^@default qubes\.Filecopy /);
    const again = await d.copy('qvm-copy', ['tree']);
    assert.notEqual(again.code, 0);
    assert.match(again.stderr, /the receiver refused "tree\/.*there is one of that name/);
    assert.deepEqual(listing(d.incoming), sent);
    assert.deepEqual(await leftovers(d.top), []);
  });

test('qvm-move removes what was confirmed, and nothing when anything failed', async (t) => {
  const d = desk(t);
  mkdirSync(join(d.from, 'a/b'), { recursive: true });
  writeFileSync(join(d.from, 'a/b/f'), 'f');
  writeFileSync(join(d.from, 'g'), 'g');
  writeFileSync(join(d.incoming, 'g'), 'in the way');
  const failed = await d.copy('qvm-move', ['a', 'g']);
  assert.notEqual(failed.code, 0);
  assert.deepEqual(readdirSync(d.from).sort(), ['a', 'g']);
  assert.equal(readFileSync(join(d.from, 'a/b/f'), 'utf8'), 'f');
  const other = desk(t);
  const well = await d.copy('qvm-move-to-vm', ['work', 'a', 'g'], {
    env: { NINEFOLD_INCOMING: other.incoming },
  });
  assert.equal(well.code, 0, well.stderr);
  assert.deepEqual(readdirSync(d.from), []);
  assert.deepEqual(readdirSync(other.incoming).sort(), ['a', 'g']);
  assert.match(readFileSync(join(d.top, 'calls'), 'utf8'), /^work qubes\.Filecopy /m);
});

test('a move keeps what was not sent: a pipe, and the folders above it', async (t) => {
  const d = desk(t);
  mkdirSync(join(d.from, 'a/b'), { recursive: true });
  writeFileSync(join(d.from, 'a/f'), 'f');
  execFileSync('mkfifo', [join(d.from, 'a/b/pipe')]);
  const r = await d.copy('qvm-move', ['a']);
  assert.equal(r.code, 0, r.stderr);
  assert.match(r.stderr, /kept "a\/b" here: it holds what was not sent/);
  assert.deepEqual(
    listing(d.from).map((l) => l.split(' ')[0]),
    ['/a/', '/a/b/', '/a/b/pipe'],
  );
});

test('names: told before, sent to the receiver that allows all, or renamed and given back', async (t) => {
  const d = desk(t);
  mkdirSync(join(d.from, 'bad\n'));
  writeFileSync(join(d.from, 'bad\n/\u202egpj.exe'), 'x');
  const dry = await d.copy('qvm-copy', ['--dry-run', 'bad\n']);
  assert.equal(dry.code, 2);
  assert.match(dry.stderr, /"bad_\/_gpj\.exe": its name has a character/);
  assert.match(dry.stdout, /would send 1 file, 1 folder, 0 links/);
  assert.ok(!existsSync(join(d.top, 'calls')), 'nobody was called');
  const all = await d.copy('qvm-copy', ['bad\n']);
  assert.equal(all.code, 0, all.stderr);
  assert.match(readFileSync(join(d.top, 'calls'), 'utf8'), /qubes\.Filecopy\+allow-all-names/);
  assert.deepEqual(readdirSync(join(d.incoming, 'bad\n')), ['\u202egpj.exe']);
  const renamed = await d.copy('qvm-copy', ['--rename-unsafe', 'bad\n']);
  assert.equal(renamed.code, 0, renamed.stderr);
  assert.deepEqual(readdirSync(join(d.incoming, 'bad%0A')), ['%E2%80%AEgpj.exe']);
  const taken = await ninefold(['restore-names', join(d.incoming, 'bad%0A')]);
  assert.equal(taken.code, 66);
  assert.match(taken.stdout, /kept bad%0A: there is one of that name/);
  assert.deepEqual(
    readdirSync(join(d.incoming, 'bad%0A')),
    ['\u202egpj.exe'],
    'what is inside has its name again',
  );
});

test('links that lead out stop everything before it begins; they can be left out', async (t) => {
  const d = desk(t);
  mkdirSync(join(d.from, 'a'));
  symlinkSync('/etc/passwd', join(d.from, 'a/l'));
  const r = await d.copy('qvm-copy', ['a']);
  assert.equal(r.code, 1);
  assert.match(r.stderr, /"a\/l": the link leads out/);
  const without = await d.copy('qvm-copy', ['--ignore-symlinks', 'a']);
  assert.equal(without.code, 0, without.stderr);
  assert.deepEqual(readdirSync(join(d.incoming, 'a')), []);
});

test('command lines: help, nothing to do, unknown options, a refusal by policy', async (t) => {
  const d = desk(t);
  writeFileSync(join(d.from, 'f'), 'f');
  for (const front of ['qvm-copy', 'qvm-move', 'qvm-copy-to-vm', 'qvm-move-to-vm']) {
    const help = await d.copy(front, ['--help']);
    assert.equal(help.code, 0);
    assert.match(help.stdout, new RegExp(`^Usage: ${front} `));
  }
  for (const [front, args, words] of [
    ['qvm-copy', [], /^qvm-copy: no file is named; see qvm-copy --help\n$/],
    ['qvm-copy', ['--'], /^qvm-copy: no file is named; see/],
    ['qvm-copy', ['--what', 'f'], /^qvm-copy: unknown option "--what"; see qvm-copy --help\n$/],
    ['qvm-copy-to-vm', ['work'], /^qvm-copy-to-vm: no file is named; see/],
    ['qvm-copy-to-vm', [], /^qvm-copy-to-vm: no qube is named; see/],
  ] as const) {
    const r = await d.copy(front, [...args]);
    assert.equal(r.code, 1);
    assert.match(r.stderr, words);
  }
  assert.match((await d.copy('qvm-copy', ['--version'])).stdout, /^\d+\.\d+\.\d+\n$/);
  symlinkSync('/etc/passwd', join(d.from, 'out'));
  const dry = await d.copy('qvm-copy', ['--dry-run', 'f', 'out']);
  assert.deepEqual([dry.code, dry.stdout], [1, ''], 'what would be refused is not said to be sent');
  assert.match(dry.stderr, /nothing would be sent; leave links out/);
  const unpacker = await run(nodeProgram('qfile-unpacker', '-w'));
  assert.match(unpacker.stderr, /^qfile-unpacker: cannot use -w "": the number is missing; /);
  for (const path of ['.', '..', '/', 'none', ''])
    assert.match((await d.copy('qvm-copy', ['--', path])).stderr, /^qvm-copy: cannot (copy|read) /, path);
  const { NINEFOLD_TEST_SERVICE_qubes_Filecopy: _, ...rest } = d.env;
  const refused = await run([...nodeProgram('qvm-copy'), 'f'], { cwd: d.from, env: rest });
  assert.equal(refused.code, 126);
  assert.match(refused.stderr, /Request refused/);
});

/** qfile-agent with a receiver of the test's own making. */
async function agent(
  d: Desk,
  args: readonly string[],
  env: Record<string, string> = {},
  fds: readonly number[] = [],
): Promise<Ran & { bytes: Buffer }> {
  const running = start(
    [
      '/bin/sh',
      '-c',
      `exec "$@" < '${join(d.top, 'answer')}' > '${join(d.top, 'stream')}'`,
      'sh',
      ...nodeProgram('qfile-agent', ...args),
    ],
    { cwd: d.from, env, fds },
  );
  const r = await running.ended;
  return { ...r, bytes: readFileSync(join(d.top, 'stream')) };
}

test('qfile-agent: an early "well", a wrong sum and a silent end are no success', async (t) => {
  const d = desk(t);
  writeFileSync(join(d.from, 'f'), 'hello');
  const answer = (b: Uint8Array): void => writeFileSync(join(d.top, 'answer'), b);
  for (const [result, what] of [
    [encodeResult({ error: 0, crc: 1234 }), /checksum/],
    [new Uint8Array(0), /closed before it said/],
    [
      encodeResult({ error: 17, crc: 0, lastName: Buffer.from('f"\x1b[m') }),
      /refused "f__\[m": there is one of that name/,
    ],
    [encodeResult({ error: 28, crc: 0 }), /refused an item: the disk of the receiver is full/],
  ] as const) {
    answer(result);
    const r = await agent(d, ['f']);
    assert.equal(r.code, 1);
    assert.match(r.stderr, what);
  }
  for (const args of [['none'], ['']]) assert.equal((await agent(d, args)).code, 1);
  // Nothing named is nothing sent: the end of the stream alone, and its confirmation.
  answer(encodeResult({ error: 0, crc: crc32(new Uint8Array(HEADER_SIZE), 0), lastName: new Uint8Array(0) }));
  for (const args of [[], ['--'], ['--ignore-symlinks']]) {
    const nothing = await agent(d, args);
    assert.deepEqual([nothing.code, nothing.bytes.equals(Buffer.alloc(HEADER_SIZE))], [0, true]);
  }
});

test('progress: the lines and numbers of the original, and 32 when the window is closed', async (t) => {
  const d = desk(t);
  writeFileSync(join(d.from, 'f'), Buffer.alloc(40_000_000));
  const total = { FILECOPY_TOTAL_BYTES: '40000000' };
  const lines = await d.copy('qvm-copy', ['f']);
  assert.equal(lines.code, 0, lines.stderr);
  assert.match(lines.stderr, /^(sent [1-9]\d*\/39063 KB\n)+sent 39063\/39063 KB\n[^\r]*$/);
  const command = (env: Record<string, string>, more = ''): Promise<Ran> =>
    run(
      [
        '/bin/sh',
        '-c',
        `'${join(d.top, 'client')}' -- work qubes.Filecopy '${process.execPath}' '${program('qfile-agent')}' f ${more}`,
      ],
      {
        cwd: d.from,
        env: { ...d.env, NINEFOLD_INCOMING: scratch(t, 'in'), ...env },
      },
    );
  const numbers = await command({ PROGRESS_TYPE: 'gui' });
  assert.equal(numbers.code, 0, numbers.stderr);
  const told = numbers.stdout.trim().split('\n').map(Number);
  assert.deepEqual([told[0], told.at(-1)], [0, 40_000_000]);
  assert.deepEqual(
    told,
    told.toSorted((a, b) => a - b),
  );
  const original = await command({ PROGRESS_TYPE: 'console', ...total });
  assert.match(original.stderr, /^sent 0\/39063 KB\r(sent \d+\/39063 KB\r)+sent 39063\/39063 KB\r\n$/);
  const silent = await command(total);
  assert.deepEqual([silent.code, silent.stdout, silent.stderr], [0, '', '']);
});

test('a progress window that is closed at the start: nothing is sent, and nothing removed', async (t) => {
  const d = desk(t);
  writeFileSync(join(d.from, 'f'), 'hello');
  writeFileSync(join(d.top, 'answer'), '');
  for (const args of [['f'], ['--move', 'f'], ['--move', '--conflict=skip', 'f'], []]) {
    const window: [number, number] = [-1, -1];
    pipe(window);
    closeSync(window[0]);
    // No program is found that shows a box.
    const env = { PROGRESS_TYPE: 'gui', SAVED_FD_1: '3', PATH: '/nonexistent' };
    const r = await agent(d, args, env, [window[1]]);
    closeSync(window[1]);
    assert.equal(r.code, 32, r.stderr);
    assert.equal(r.bytes.length, 0);
    assert.ok(existsSync(join(d.from, 'f')));
  }
});

test('over a Unix socket, with a listener that goes on', async (t) => {
  const d = desk(t);
  makeTree(d.from);
  const socket = join(d.top, 's');
  const listener = start(
    nodeProgram('ninefold', 'receive', d.incoming, '--listen', `unix:${socket}`, '--sandbox', 'none'),
    { patience: 120_000 },
  );
  t.after(() => listener.child.kill('SIGTERM'));
  await listener.says(/receiving into/);
  const first = await ninefold(['copy', join(d.from, 'tree'), `unix:${socket}`]);
  assert.equal(first.code, 0, first.stderr);
  assert.deepEqual(
    listing(d.incoming),
    listing(d.from).filter((line) => !line.startsWith('/tree/pipe')),
  );
  const again = await ninefold(['copy', join(d.from, 'tree'), `unix:${socket}`]);
  assert.equal(again.code, 77);
  assert.match(again.stderr, /there is one of that name/);
  listener.child.kill('SIGTERM');
  assert.equal((await listener.ended).code, 0 + 143);
  assert.deepEqual(await leftovers(d.top), []);
});

test('Ctrl-C in the middle: both ends end, no half file is left, and a move removes nothing', async (t) => {
  const d = desk(t);
  const socket = join(d.top, 's');
  mkdirSync(join(d.from, 'a'));
  writeFileSync(join(d.from, 'a/1'), 'first');
  const big = openSync(join(d.from, 'a/2'), 'w');
  ftruncateSync(big, 2 ** 40);
  closeSync(big);
  const listener = start(
    nodeProgram('ninefold', 'receive', d.incoming, '--listen', `unix:${socket}`, '--max-bytes', '0'),
    { patience: 120_000 },
  );
  t.after(() => listener.child.kill('SIGTERM'));
  await listener.says(/receiving into/);
  const sender = start(nodeProgram('ninefold', 'move', join(d.from, 'a'), `unix:${socket}`));
  for (let i = 0; i < 2000 && !existsSync(join(d.incoming, 'a')); i++) await sleep(10);
  await sleep(200);
  sender.child.kill('SIGINT');
  assert.ok(['SIGINT', 130].includes((await sender.ended).code));
  await listener.says(/connection 1 ended with status 118/);
  assert.deepEqual(readdirSync(join(d.from, 'a')), ['1', '2']);
  assert.ok(readdirSync(join(d.incoming, 'a')).every((name) => name === '1'));
  listener.child.kill('SIGTERM');
  await listener.ended;
});

test('two arguments of one name are refused before anything is sent, unless both are folders', async (t) => {
  const d = desk(t);
  for (const dir of ['a', 'b', 'a/same', 'b/same']) mkdirSync(join(d.from, dir));
  for (const file of ['a/f', 'b/f', 'a/same/1', 'b/same/2']) writeFileSync(join(d.from, file), file);
  for (const [args, why] of [
    [['a/f', 'b/f'], /cannot copy b\/f: a\/f has the same name; send one after the other/],
    [['a/f', 'a/same', 'a/f'], /cannot copy a\/f: it is named twice/],
    [['a', './a/'], /cannot copy \.\/a: a has the same name/],
  ] as const) {
    const r = await d.copy('qvm-copy', args);
    assert.equal(r.code, 1);
    assert.match(r.stderr, why);
    assert.deepEqual(readdirSync(d.incoming), []);
  }
  const both = await d.copy('qvm-copy', ['a/same', 'b/same']);
  assert.equal(both.code, 0, both.stderr);
  assert.deepEqual(readdirSync(join(d.incoming, 'same')).sort(), ['1', '2']);
});

test('--dry-run, and destinations that make no sense', async (t) => {
  const d = desk(t);
  writeFileSync(join(d.from, 'f'), 'f');
  const dry = await ninefold(['copy', '--dry-run', join(d.from, 'f'), 'unix:/nowhere']);
  assert.equal(dry.code, 0);
  assert.match(dry.stdout, /would copy 1 file, 0 folders, 0 links: 1 B/);
  // It says and ends as the transfer would.
  writeFileSync(join(d.from, 'odd\n'), '');
  for (const [more, code, would] of [
    [[], 66, ''],
    [['--all-names'], 0, /^would copy 1 file/],
    [['--rename-unsafe'], 0, /^would copy 1 file/],
  ] as const) {
    const odd = await ninefold(['copy', '--dry-run', ...more, join(d.from, 'odd\n'), 'unix:/nowhere']);
    assert.equal(odd.code, code, odd.stderr);
    if (would === '') assert.equal(odd.stdout, '');
    else assert.match(odd.stdout, would);
  }
  for (const [args, code] of [
    [['copy', 'f'], 64],
    [['copy', join(d.from, 'f'), 'what:ever'], 64],
    [['copy', join(d.from, 'f'), 'unix:/nowhere'], 69],
    [['copy', join(d.from, 'none'), 'unix:/nowhere'], 66],
  ] as const)
    assert.equal((await ninefold(args)).code, code, args.join(' '));
  const refused = await ninefold(['copy', join(d.from, 'f'), 'work'], {
    env: { NINEFOLD_QREXEC_CLIENT: d.env.NINEFOLD_QREXEC_CLIENT as string },
  });
  assert.equal(refused.code, 77);
  assert.match(refused.stderr, /the request was refused/);
});
