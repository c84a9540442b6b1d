// SPDX-License-Identifier: MIT
// Files without Qubes: copy, move and open by way of the broker and an agent, after the same kind of question.
import assert from 'node:assert/strict';
import {
  chmodSync,
  closeSync,
  existsSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { EREMOTEIO } from '../../src/base/errno.ts';
import { brokerCaller } from '../../src/broker/broker-caller.ts';
import { exchange } from '../../src/broker/call.ts';
import { openSys } from '../../src/linux/index.ts';
import { netSys, peerCred } from '../../src/linux/net.ts';
import { recvFd, sendFd } from '../../src/linux/passing.ts';
import { nodeProgram, type Ran, run, start } from '../helpers/cli.ts';
import { TOP } from '../helpers/places.ts';
import { answers, eventually, NINEFOLD, NODE, type World, world } from './world.ts';

const ALLOW = { answer: 'allow' };

/** A world with something to send, and a place where "box" takes it in. */
function twoMachines(t: TestContext): World & { incoming: string; opener(script: string): void } {
  const w = world(t);
  const incoming = w.path('incoming');
  mkdirSync(incoming);
  mkdirSync(w.path('tree'));
  writeFileSync(w.path('tree/a'), 'first');
  writeFileSync(w.path('tree/b'), 'second', { mode: 0o640 });
  writeFileSync(w.path('letter'), 'as it was\n', { mode: 0o640 });
  w.env.NINEFOLD_INCOMING = incoming;
  w.env.NINEFOLD_OPENER = w.path('opener');
  return {
    ...w,
    incoming,
    opener(script) {
      writeFileSync(w.path('opener'), `#!/bin/sh\n${script}\n`);
      chmodSync(w.path('opener'), 0o755);
    },
  };
}

/** Which of the front ends it is, is told by the name of the program. */
const front = (w: World, name: string, ...args: string[]): Promise<Ran> =>
  run([NODE, join(TOP, 'bin', name), ...args], { env: w.env });

const events = (w: World): string[] =>
  existsSync(w.path('policy/audit.jsonl')) ? w.log().map((l) => l.event) : [];

test('copy: asked, in a question of its own kind; sent; in the log', async (t) => {
  const w = twoMachines(t);
  // Here the receiver is confined, as it is wherever nobody says otherwise.
  w.env.NINEFOLD_SANDBOX = 'auto';
  await w.broker(answers(w.dir, ALLOW));
  const r = await w.ninefold('copy', w.path('tree'), w.path('letter'), 'box');
  assert.equal(r.code, 0, r.stderr);
  assert.equal(readFileSync(join(w.incoming, 'tree/b'), 'utf8'), 'second');
  assert.equal(statSync(join(w.incoming, 'letter')).mode & 0o777, 0o640);
  const { waitingFile, ...asked } = w.question();
  assert.equal(typeof waitingFile, 'string');
  assert.deepEqual(asked, {
    version: 2,
    service: 'copy',
    source: 'host',
    target: 'box',
    sentence:
      'host wants to send files to box; they go into a folder of their own there, and replace nothing.',
    notes: [],
    patience: 60,
    refusedMeanwhile: 0,
  });
  await eventually('the end in the log', () => events(w).at(-1) === 'end');
  assert.deepEqual(
    w.log().map((l) => [l.event, l.source, l.target, l.service, l.folder]),
    ['request', 'decision', 'connection', 'end'].map((e) => [e, 'host', 'box', 'qubes.Filecopy', undefined]),
  );
  // A yes is for one time: the next is asked about again.
  rmSync(w.path('question.json'));
  assert.equal((await w.ninefold('copy', w.path('share/hello'), 'box')).code, 0);
  assert.ok(existsSync(w.path('question.json')));
});

test('a no: the sender is not even started, nothing is made there, and the next request waits', async (t) => {
  const w = twoMachines(t);
  await w.broker(answers(w.dir, { answer: 'deny' }));
  const r = await w.ninefold('copy', w.path('tree'), 'box');
  assert.equal(r.code, 77, r.stderr);
  assert.match(r.stderr, /cannot copy to box: the request was refused/);
  assert.deepEqual(readdirSync(w.incoming), []);
  assert.deepEqual(events(w), ['request', 'decision']);
  rmSync(w.path('question.json'));
  assert.equal((await front(w, 'qvm-copy-to-vm', 'box', w.path('tree'))).code, 126);
  assert.equal(existsSync(w.path('question.json')), false, 'it was refused unasked');
  assert.equal(w.log().at(-1)?.result, 'cool-down');
});

test('a block that was answered holds for files and folders alike', async (t) => {
  const w = twoMachines(t);
  await w.broker(answers(w.dir, { answer: 'block' }));
  assert.equal((await w.ninefold('copy', w.path('tree'), 'box')).code, 77);
  rmSync(w.path('question.json'));
  await w.ninefold('policy', 'list');
  const again = await w.ninefold('copy', w.path('tree'), 'box');
  assert.equal(again.code, 77, again.stderr);
  assert.match(w.log().at(-1)?.why ?? '', /everything that host asks of box is blocked/);
  const mount = await w.ninefold('mount', `box:${w.share}`, w.mnt);
  assert.equal(mount.code, 14, mount.stderr);
  assert.equal(existsSync(w.path('question.json')), false);
});

test('move, to an agent behind a socket: what was confirmed is removed here; odd names are asked for by their name', async (t) => {
  const w = twoMachines(t);
  await w.listening('agent', '--listen', w.path('box.sock'));
  await w.broker(answers(w.dir, ALLOW), { machines: { box: { address: `unix:${w.path('box.sock')}` } } });
  const odd = join(w.path('tree'), 'od\u0007d');
  writeFileSync(odd, 'bell');
  const r = await front(w, 'qvm-move-to-vm', 'box', w.path('tree'));
  assert.equal(r.code, 0, r.stderr);
  assert.equal(existsSync(w.path('tree')), false);
  assert.deepEqual(readdirSync(join(w.incoming, 'tree')), ['a', 'b', 'od\u0007d']);
  assert.deepEqual(w.question().notes, ['Names of files may have any characters.']);
  assert.equal(w.log()[0]?.service, 'qubes.Filecopy+allow-all-names');
});

test('a name that is no UTF-8, as a shell finds it', async (t) => {
  const w = twoMachines(t);
  await w.broker(answers(w.dir, ALLOW));
  // Node's own spawn can hand over no such argument: a shell can.
  const script = `cd '${w.path('tree')}' && printf x > "$(printf 'caf\\351')" && '${NODE}' '${join(TOP, 'bin/qvm-copy-to-vm')}' box *`;
  const r = await run(['/bin/sh', '-c', script], { env: w.env });
  assert.equal(r.code, 0, r.stderr);
  const names = readdirSync(w.incoming, { encoding: 'buffer' }).map((name) => name.toString('latin1'));
  assert.deepEqual(names.sort(), ['a', 'b', 'caf\xe9']);
  assert.equal(w.log()[0]?.service, 'qubes.Filecopy+allow-all-names');
});

test('open: an edit comes back into its place, with the mode kept; one that is only looked at does not', async (t) => {
  const w = twoMachines(t);
  await w.broker(answers(w.dir, ALLOW));
  w.opener('echo edited >> "$1"');
  const r = await w.ninefold('open', w.path('letter'), 'box');
  assert.equal(r.code, 0, r.stderr);
  assert.equal(r.stderr, '');
  assert.equal(readFileSync(w.path('letter'), 'utf8'), 'as it was\nedited\n');
  assert.equal(statSync(w.path('letter')).mode & 0o777, 0o640);
  assert.equal(w.question().service, 'open');
  w.opener(`cat "$1" > ${w.path('seen')}; chmod u+w "$1"; echo more >> "$1"`);
  const view = await w.run('qvm-open-in-vm', ['--view-only', 'box', w.path('letter')]);
  assert.equal(view.code, 0, view.stderr);
  assert.equal(readFileSync(w.path('seen'), 'utf8'), 'as it was\nedited\n');
  assert.equal(readFileSync(w.path('letter'), 'utf8'), 'as it was\nedited\n');
});

test('a block ends what runs, the other end puts its things away, and the file here is as it was', async (t) => {
  const w = twoMachines(t);
  await w.broker(answers(w.dir, ALLOW));
  w.opener(`echo half >> "$1"; dirname "$1" > ${w.path('where')}; sleep 60`);
  const running = start(nodeProgram('ninefold', 'open', w.path('letter'), 'box'), { env: w.env });
  await eventually('that it is open', () => existsSync(w.path('where')));
  const blocked = await w.ninefold('policy', 'block', 'host', 'box');
  assert.equal(blocked.code, 0, blocked.stderr);
  const ms = await eventually('the end', () => events(w).includes('end'));
  t.diagnostic(`ended ${ms.toFixed(0)} ms after the command had`);
  const ran = await running.ended;
  assert.equal(ran.code, 69, ran.stderr);
  assert.match(ran.stderr, /letter is as it was, and changes made there are lost/);
  assert.equal(readFileSync(w.path('letter'), 'utf8'), 'as it was\n');
  const made = readFileSync(w.path('where'), 'utf8').trim();
  assert.ok(made.startsWith(`${tmpdir()}/host-`), made);
  assert.equal(existsSync(made), false, `${made} is gone`);
  assert.match(w.log().find((l) => l.event === 'end')?.why ?? '', /^it is blocked now/);
});

test('Ctrl-C while the question is open takes it back: a late yes starts nothing', async (t) => {
  const w = twoMachines(t);
  const wait = `touch ${w.path('asking')}; while ! test -e ${w.path('go')}; do sleep 0.05; done;`;
  await w.broker(answers(w.dir, ALLOW, wait));
  const running = start(
    ['/usr/bin/setsid', '--wait', ...nodeProgram('ninefold', 'copy', w.path('tree'), 'box')],
    {
      env: w.env,
    },
  );
  await eventually('the question', () => existsSync(w.path('asking')));
  // The whole group gets it, as from a terminal.
  process.kill(-(running.child.pid ?? 0), 'SIGINT');
  assert.equal((await running.ended).code, 130);
  writeFileSync(w.path('go'), '');
  await eventually('the end', () => events(w).at(-1) === 'end');
  assert.equal(w.log().at(-1)?.why, 'the caller had gone before the answer');
  assert.deepEqual(readdirSync(w.incoming), []);
});

test('Ctrl-C in the middle of a move: said in words, nothing removed here, nothing half-made there', async (t) => {
  const w = twoMachines(t);
  // So large that there is a middle.
  await w.broker(answers(w.dir, ALLOW));
  const big = w.path('big');
  const fd = openSync(big, 'w');
  ftruncateSync(fd, 2 ** 35);
  closeSync(fd);
  const argv = [NODE, join(TOP, 'bin/qvm-move-to-vm'), 'box', big];
  const running = start(['/usr/bin/setsid', '--wait', ...argv], { env: w.env });
  await eventually('the beginning', () => events(w).includes('connection'));
  await sleep(300);
  process.kill(-(running.child.pid ?? 0), 'SIGINT');
  const ran = await running.ended;
  assert.equal(ran.code, 130, ran.stderr);
  assert.match(
    ran.stderr,
    /qvm-move-to-vm: stopped: files that had arrived whole stay there, nothing was removed here/,
  );
  assert.ok(existsSync(big));
  await eventually('the end', () => events(w).at(-1) === 'end');
  assert.deepEqual(readdirSync(w.incoming), []);
});

test('nothing but files and folders is ever asked about', async (t) => {
  const w = twoMachines(t);
  await w.broker(answers(w.dir, ALLOW));
  const sys = { ...openSys(), ...netSys, sendFd, recvFd, peerCred };
  const caller = brokerCaller(sys, w.env.NINEFOLD_BROKER ?? '');
  for (const [target, service] of [
    ['box', 'qubes.VMShell'],
    ['box', 'ninefold.LookAtFolder'],
    ['box', 'qubes.Filecopy+../../x'],
    ['box', 'constructor'],
    ['box', '__proto__'],
    ['dom0', 'qubes.Filecopy'],
    ['@default', 'qubes.Filecopy'],
    ['nobox', 'qubes.Filecopy'],
    ['host', 'qubes.Filecopy'],
  ] as const) {
    const refused = await exchange(await caller(target, service), 'x');
    assert.deepEqual([refused.exit, refused.stdout], [126, ''], `${target} ${service}`);
  }
  assert.equal(existsSync(w.path('question.json')), false);
  const nameless = await front(w, 'qvm-copy', w.path('tree'));
  assert.equal(nameless.code, 126);
  assert.match(nameless.stderr, /nobody chooses a machine for you.*name one/);
  // A yes to an argument that the service does not have is no yes to anything else.
  const odd = await exchange(await caller('box', 'qubes.Filecopy+as-root'), 'x');
  assert.deepEqual([odd.exit, odd.words], [1, 'error: qubes.Filecopy has no argument "as-root"']);
});

test('an agent of root receives as the user that it is told', { skip: notRoot() }, async (t) => {
  const w = twoMachines(t);
  chmodSync(w.incoming, 0o777);
  const config = { machines: { box: { address: `exec:${NODE} ${NINEFOLD} agent --user nobody` } } };
  await w.broker(answers(w.dir, ALLOW), config);
  const r = await w.ninefold('copy', w.path('tree'), 'box');
  assert.equal(r.code, 0, r.stderr);
  assert.equal(statSync(join(w.incoming, 'tree/a')).uid, 65534);
});

function notRoot(): string | false {
  return process.getuid?.() === 0 ? false : 'needs root, who may choose another user';
}

test('qrexec-client-vm: without a program its own input and output are the service’s', async (t) => {
  const w = twoMachines(t);
  await w.broker(answers(w.dir, ALLOW));
  // The end of a transfer without files, and where its result goes.
  const end = Buffer.alloc(32);
  const r = await w.run('qrexec-client-vm', ['box', 'qubes.Filecopy'], { stdin: end });
  assert.equal(r.code, 0, r.stderr);
  assert.equal(r.stdout.length > 0, true);
  const usage = await w.run('qrexec-client-vm', ['box']);
  assert.equal(usage.code, 2);
  assert.match(usage.stderr, /a target and a service are needed/);
  const program = await w.run('qrexec-client-vm', ['box', 'qubes.Filecopy', '/bin/sh', '-c', 'exit 7']);
  assert.equal(program.code, EREMOTEIO, 'the service’s, whose sender went away; not 7, that of the program');
});
