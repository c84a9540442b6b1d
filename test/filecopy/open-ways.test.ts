// SPDX-License-Identifier: MIT
// Open-in-VM: odd names, addresses and limits; commands that complain much; and that a signal leaves nothing.

import assert from 'node:assert/strict';
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { leftovers, ninefold, nodeProgram, run, start } from '../helpers/cli.ts';
import { scratch } from '../helpers/places.ts';
import { desk, EDITOR } from './desk.ts';

const EDIT = 'exec:cat > /dev/null; echo EDITED';
/** Runs what follows with $F for a name in Latin 1. */
const latin = (dir: string, argv: readonly string[]): string[] => [
  '/bin/sh',
  '-c',
  `cd '${dir}' && F=$(printf 'd\\351/caf\\351.txt') && exec "$@"${argv.includes('open') ? ` "$F" "$WHERE"` : ` "$F"`}`,
  'sh',
  ...argv,
];

async function until(what: () => boolean): Promise<void> {
  for (let i = 0; i < 1000 && !what(); i++) await sleep(10);
  assert.ok(what(), 'it did not happen within 10 s');
}

test('names that are no UTF-8, in folders of such names', async (t) => {
  const d = desk(t, 'echo more >> "$1"');
  const [folder, name] = [Buffer.from('d\xe9', 'latin1'), Buffer.from('caf\xe9.txt', 'latin1')];
  const at = (...parts: Buffer[]): Buffer => Buffer.concat(parts.flatMap((part) => [Buffer.from('/'), part]));
  const dir = Buffer.concat([Buffer.from(d.dir), at(folder)]);
  const file = Buffer.concat([dir, at(name)]);
  mkdirSync(dir);
  writeFileSync(file, 'text\n');
  const env = { ...d.env, WHERE: EDITOR };
  for (const argv of [nodeProgram('qvm-open-in-vm', 'work'), nodeProgram('ninefold', 'open')]) {
    const r = await run(latin(d.dir, argv), { env });
    assert.deepEqual([r.code, r.stderr], [0, '']);
    assert.match(readFileSync(join(d.top, 'opened'), 'utf8'), /\/caf_\.txt\n$/);
  }
  const r = await run(latin(d.dir, nodeProgram('qopen-in-vm')), { stdin: Buffer.from('EDITED\n') });
  assert.deepEqual([r.code, r.stderr], [0, '']);
  assert.equal(r.stdout, `caf\ufffd.txt${'\0'.repeat(248)}text\nmore\nmore\n`.replace(/\0$/, ''));
  assert.equal(readFileSync(file, 'utf8'), 'EDITED\n');
  assert.deepEqual(readdirSync(dir, { encoding: 'buffer' }), [name]);
});

test('a name of 253 bytes, not of ASCII: the reply is made beside it, and a second copy, too', async (t) => {
  const dir = scratch(t, 'open-long');
  const name = `${'漢'.repeat(83)}.txt`;
  const file = join(dir, name);
  writeFileSync(file, 'original\n');
  const r = await ninefold(['open', file, EDIT]);
  assert.deepEqual([r.code, r.stderr], [0, '']);
  assert.equal(readFileSync(file, 'utf8'), 'EDITED\n');
  assert.deepEqual(readdirSync(dir), [name]);
  const both = await ninefold(['open', file, `exec:cat > /dev/null; echo x >> '${file}'; echo THEIRS`]);
  assert.match(both.stderr, /was changed here meanwhile/);
  const copy = `${'漢'.repeat(81)}.edited.txt`;
  assert.deepEqual(readdirSync(dir).sort(), [copy, name].sort());
  assert.equal(readFileSync(join(dir, copy), 'utf8'), 'THEIRS\n');
});

test('the name that is sent is the one that was given, not that of the file behind a link', async (t) => {
  const dir = scratch(t, 'open-link');
  mkdirSync(join(dir, 'store'));
  writeFileSync(join(dir, 'store/4f2a9c'), 'x');
  symlinkSync('store/4f2a9c', join(dir, 'letter.odt'));
  const r = await run([...nodeProgram('qopen-in-vm'), 'letter.odt'], { cwd: dir });
  assert.equal(r.stdout.slice(0, 256).replace(/\0+$/, ''), 'letter.odt');
});

test('addresses longer than any path, and files that cannot be looked at', async (t) => {
  const d = desk(t, 'true');
  const url = `https://example.org/?q=${'a'.repeat(5000)}`;
  assert.equal((await d.open(['work', url])).code, 0);
  assert.equal(readFileSync(join(d.top, 'url'), 'utf8'), `${url}\n`);
  symlinkSync('b', join(d.dir, 'a'));
  symlinkSync('a', join(d.dir, 'b'));
  for (const [file, why] of [
    [join(d.dir, 'a'), 'ELOOP'],
    [`/${'n'.repeat(256)}`, 'ENAMETOOLONG'],
  ] as const) {
    const r = await d.open(['work', file]);
    assert.equal(r.code, 1);
    assert.match(r.stderr, new RegExp(`^qvm-open-in-vm: cannot open .*${why}.*\n$`));
  }
  const loop = await d.open(['@dispvm', d.file('f', 'x')], {
    QREXEC_SERVICE_FULL_NAME: 'qubes.OpenInVM+',
    PATH: '/nowhere',
  });
  assert.deepEqual([loop.code, loop.stderr.split('\n').length], [1, 2]);
  assert.match(loop.stderr, /install zenity or kdialog/);
});

test('NINEFOLD_MAX_BYTES is read as elsewhere, and refused when it is no number', async (t) => {
  const d = desk(t, 'head -c 2000 /dev/zero >> "$1"');
  const file = d.file('f', 'x');
  const open = (limit: string): Promise<{ code: number | string; stderr: string }> =>
    ninefold(['open', file, EDIT.replace('echo EDITED', 'head -c 2000 /dev/zero')], {
      env: { NINEFOLD_MAX_BYTES: limit },
    });
  assert.match((await open('1K')).stderr, /the reply is larger than 1024 bytes/);
  const wrong = await open('1X');
  assert.equal(wrong.code, 64);
  assert.match(wrong.stderr, /NINEFOLD_MAX_BYTES "1X"/);
  assert.equal(readFileSync(file, 'utf8'), 'x');
  for (const [limit, why] of [
    ['1K', /larger than 1024 bytes/],
    ['1X', /NINEFOLD_MAX_BYTES "1X"/],
  ] as const) {
    const r = await run(nodeProgram('vm-file-editor'), {
      env: { ...d.env, QREXEC_REMOTE_DOMAIN: 'source', NINEFOLD_MAX_BYTES: limit },
      stdin: Buffer.concat([Buffer.from('f'), Buffer.alloc(255 + 1025)]),
    });
    assert.equal(r.code, 1);
    assert.match(r.stderr, why);
    assert.equal(existsSync(join(d.top, 'opened')), false);
  }
  for (const limit of ['0', '2K']) assert.equal((await open(limit)).code, 0, limit);
});

test('a command that complains more than a pipe holds hinders nobody, and its last words are heard', async (t) => {
  const dir = scratch(t, 'open-loud');
  const file = join(dir, 'f');
  writeFileSync(file, 'original\n');
  const loud = "head -c 300000 /dev/zero | tr '\\0' '\\n' >&2";
  const r = await ninefold(['open', file, `exec:${loud}; cat > /dev/null; echo EDITED`]);
  assert.deepEqual([r.code, r.stderr], [0, '']);
  assert.equal(readFileSync(file, 'utf8'), 'EDITED\n');
  const torn = await ninefold(['open', file, `exec:${loud}; cat > /dev/null; ${loud}; echo why >&2; exit 3`]);
  assert.match(torn.stderr, /sh ended with status 3: why; /);
  mkdirSync(join(dir, 'in'));
  const receive = nodeProgram('ninefold', 'receive', '--stdio', '--sandbox', 'none', join(dir, 'in'));
  const copied = await ninefold([
    'copy',
    file,
    `exec:${loud}; exec ${receive.map((w) => `'${w}'`).join(' ')}`,
  ]);
  assert.equal(copied.code, 0, copied.stderr);
  assert.deepEqual(readdirSync(join(dir, 'in')), ['f']);
  assert.deepEqual(await leftovers(dir), []);
});

for (const [signal, code] of [
  ['SIGINT', 130],
  ['SIGTERM', 143],
  ['SIGHUP', 143],
] as const)
  test(`${signal} leaves nothing, whichever program waits for what`, async (t) => {
    const d = desk(t, 'true');
    const file = d.file('f', 'text');
    const over = join(d.top, 'over');
    const wait = `while ! test -e '${over}'; do sleep 0.05; done`;
    writeFileSync(join(d.top, 'waits'), `#!/bin/sh\n${wait}\n`, { mode: 0o755 });
    const fifo = join(d.top, 'fifo');
    await run(['mkfifo', fifo]);
    /** Its standard input is open for ever. */
    const endless = (argv: readonly string[]): string[] => [
      '/bin/sh',
      '-c',
      `exec "$@" <> '${fifo}'`,
      'sh',
      ...argv,
    ];
    for (const argv of [
      nodeProgram('ninefold', 'open', file, `exec:head -c 260 > /dev/null; printf part; ${wait}`),
      endless(nodeProgram('qopen-in-vm', file)),
      // Ctrl-C is for the call there.
      ...(signal === 'SIGINT' ? [] : [nodeProgram('qvm-open-in-vm', 'work', file)]),
    ]) {
      const running = start(argv, { env: { NINEFOLD_QREXEC_CLIENT: join(d.top, 'waits') } });
      await until(() => readdirSync(d.dir).length === 2);
      running.child.kill(signal);
      // The client that was called has the pipes of the one that called it.
      running.child.once('exit', () => writeFileSync(over, ''));
      assert.equal((await running.ended).code, code, argv.join(' '));
      assert.deepEqual(readdirSync(d.dir), ['f']);
      assert.deepEqual(await leftovers(d.top), []);
      rmSync(over);
    }
    const origin = `signal${process.pid}`;
    const received = (): string[] => readdirSync('/tmp').filter((name) => name.startsWith(`${origin}-`));
    const editor = start(endless(nodeProgram('vm-file-editor')), { env: { QREXEC_REMOTE_DOMAIN: origin } });
    await writeFile(fifo, Buffer.concat([Buffer.from('f'), Buffer.alloc(300)]));
    await until(() => received().length === 1);
    editor.child.kill(signal);
    assert.equal((await editor.ended).code, code);
    assert.deepEqual(received(), []);
  });
