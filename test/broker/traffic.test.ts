// SPDX-License-Identifier: MIT
// What goes through a session, from the server that serves it to `ninefold sessions`; and what a hostile or an older peer makes of it.
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { cannotMount } from '../helpers/cli.ts';
import { client, print, qubes, script } from './qubes.ts';
import { answers, eventually, NINEFOLD, NODE, type World, world } from './world.ts';

const reason = cannotMount();
const needsMount = reason === undefined ? {} : { skip: reason };
const ALLOW = { answer: 'allow', lasts: 'always' };
const BIG = 3_000_000;

interface Told {
  readonly id: string;
  readonly traffic?: { readonly read: number; readonly written: number; readonly operations: number };
}

const sessions = async (w: World): Promise<Told[]> =>
  JSON.parse((await w.ninefold('sessions', '--json')).stdout) as Told[];

/** Looks until the one session fits, for `ms` after the call. */
async function within(ms: number, w: World, fits: (told: Told) => boolean): Promise<Told> {
  const until = performance.now() + ms;
  for (let told: Told[] = []; ; ) {
    // What the command costs to start is no part of it.
    const late = performance.now() > until;
    told = await sessions(w);
    const [one] = told;
    if (one !== undefined && fits(one)) return one;
    if (late) throw new Error(`it is ${JSON.stringify(told)}`);
  }
}

/** Reads and writes through a mount that is there, and looks at what is told of it. */
async function use(t: TestContext, w: World): Promise<void> {
  writeFileSync(join(w.share, 'big'), Buffer.alloc(BIG, 'ninefold'));
  assert.equal(readFileSync(join(w.mnt, 'big')).length, BIG);
  writeFileSync(join(w.mnt, 'made'), Buffer.alloc(BIG / 2, 'x'));
  const began = performance.now();
  const { traffic } = await within(
    3000,
    w,
    (s) => (s.traffic?.read ?? 0) >= BIG && (s.traffic?.written ?? 0) >= BIG / 2,
  );
  t.diagnostic(`${JSON.stringify(traffic)} after ${(performance.now() - began).toFixed(0)} ms`);
  assert.ok(traffic !== undefined && traffic.read < BIG * 1.1 && traffic.written === BIG / 2);
  assert.match((await w.ninefold('sessions')).stdout, /READ +WRITTEN\n.* 3\.0 MB +1\.5 MB\n$/);
  assert.equal((await w.ninefold('unmount', w.mnt)).code, 0);
  await eventually('the end', () => w.log().some((l) => l.event === 'end'));
  const end = w.log().at(-1);
  assert.ok((end?.traffic?.operations ?? 0) >= traffic.operations, 'the last word is in the log');
  assert.ok((end?.traffic?.read ?? 0) >= BIG);
}

const EXEC = { machines: { box: { address: `exec:${NODE} ${NINEFOLD} agent` } } };

for (const sandbox of ['none', 'auto'])
  test(
    `an agent that is a command, sandbox ${sandbox}: what was read and written shows within 3 s`,
    needsMount,
    async (t) => {
      const w = world(t);
      w.env.NINEFOLD_SANDBOX = sandbox;
      await w.broker(answers(w.dir, ALLOW), EXEC);
      assert.equal((await w.ninefold('mount', `box:${w.share}`, w.mnt)).code, 0);
      await use(t, w);
      assert.equal(w.log().at(-1)?.why, 'the client closed it');
    },
  );

test('an agent at a socket: the same', needsMount, async (t) => {
  const w = world(t);
  await w.listening('agent', '--listen', w.path('agent.sock'));
  await w.broker(answers(w.dir, ALLOW), { machines: { box: { address: `unix:${w.path('agent.sock')}` } } });
  assert.equal((await w.ninefold('mount', `box:${w.share}`, w.mnt)).code, 0);
  await use(t, w);
  assert.equal(w.log().at(-1)?.why, 'the client closed it');
});

test('under qrexec, by the line that the session has: the same', needsMount, async (t) => {
  const w = qubes(t, (w) => answers(w.dir, ALLOW));
  const r = await w.run('qvm-mount-folder', ['vault', w.share, w.mnt]);
  assert.equal(r.code, 0, r.stderr);
  await use(t, w);
  assert.equal(w.log().at(-1)?.why, 'the target closed it');
});

test('a folder of this very machine: the same', needsMount, async (t) => {
  const w = world(t);
  await w.broker(answers(w.dir, ALLOW), {
    self: 'desk',
    machines: { guest: { socket: w.path('guest.sock') } },
  });
  w.env.NINEFOLD_BROKER = w.path('guest.sock');
  assert.equal((await w.ninefold('mount', `desk:${w.share}`, w.mnt)).code, 0);
  await use(t, w);
});

/** A command that answers a call as an agent does that knows nothing of counters: a blank at the end means nothing to it, another member is a fault. */
const OLD_AGENT = `
const { spawnSync } = require('node:child_process');
const call = JSON.parse(Buffer.from(process.argv.at(-1), 'base64url').toString('utf8'));
const known = ['version', 'service', 'source', 'given', 'folder', 'access', 'bound'];
for (const name of [...Object.keys(call), ...Object.keys(call.given)]) if (!known.includes(name)) process.exit(64);
const word = Buffer.from(JSON.stringify(call)).toString('base64url');
process.exit(spawnSync(process.execPath, ['${NINEFOLD}', 'agent', '--call', word], { stdio: 'inherit' }).status ?? 1);
`;

test(
  'a server that does not tell: the session is as it was, and nothing is said of its traffic',
  needsMount,
  async (t) => {
    const w = world(t);
    writeFileSync(w.path('old.cjs'), OLD_AGENT);
    await w.broker(answers(w.dir, ALLOW), {
      machines: { box: { address: `exec:${NODE} ${w.path('old.cjs')}` } },
    });
    assert.equal((await w.ninefold('mount', `box:${w.share}`, w.mnt)).code, 0);
    assert.equal(readFileSync(join(w.mnt, 'hello'), 'utf8'), 'world');
    await sleep(1500);
    assert.deepEqual(
      (await sessions(w)).map((s) => s.traffic),
      [undefined],
    );
    assert.equal((await w.ninefold('policy', 'revoke', '--all')).code, 0);
    await eventually('the end', () => w.log().some((l) => l.event === 'end'));
    // Not the last line: the command that revokes writes of it at the same time.
    const end = w.log().find((l) => l.event === 'end');
    assert.deepEqual([end?.why, end?.traffic], ['its grant was revoked', undefined]);
    await w.ninefold('unmount', w.mnt, '--lazy');
  },
);

test('a dom0 that does not ask: nothing is told to it', needsMount, async (t) => {
  const w = qubes(t, (w) => answers(w.dir, ALLOW));
  // As the service was: its answer has no more than these members. All that it hears is kept.
  const old = `const rest = []; process.stdin.on('data', (d) => { rest.push(d);
    if (rest.length === 1) process.stdout.write(JSON.stringify({ version: 1, folder: JSON.parse(d).folder, access: 'rw' }) + '\\n');
    require('node:fs').writeFileSync('${w.path('heard')}', Buffer.concat(rest)); });
    process.stdin.on('end', () => process.exit(0));`;
  writeFileSync(w.path('old.cjs'), old);
  script(w.path('rpc/dom0/ninefold.FolderSession'), `exec ${NODE} ${w.path('old.cjs')}`);
  const r = await w.run('qvm-mount-folder', ['vault', w.share, w.mnt]);
  assert.equal(r.code, 0, r.stderr);
  assert.equal(readFileSync(join(w.mnt, 'hello'), 'utf8'), 'world');
  await sleep(2500);
  assert.equal((await w.ninefold('unmount', w.mnt)).code, 0);
  await sleep(300);
  assert.match(readFileSync(w.path('heard'), 'utf8'), /^\{"version":1,"source":"work",[^\n]*\}\n$/);
});

test('an agent that nobody asks for counters says nothing on standard error', needsMount, async (t) => {
  const w = world(t);
  // The command in the broker's configuration is what an older broker would have run: its call has no blank at its end.
  writeFileSync(
    w.path('old.cjs'),
    OLD_AGENT.replace(
      "stdio: 'inherit'",
      `stdio: ['inherit', 'inherit', require('node:fs').openSync('${w.path('said')}', 'w')]`,
    ),
  );
  await w.broker(answers(w.dir, ALLOW), {
    machines: { box: { address: `exec:${NODE} ${w.path('old.cjs')}` } },
  });
  assert.equal((await w.ninefold('mount', `box:${w.share}`, w.mnt)).code, 0);
  assert.equal(readFileSync(join(w.mnt, 'hello'), 'utf8'), 'world');
  assert.equal((await w.ninefold('unmount', w.mnt)).code, 0);
  await eventually('the end', () => w.log().some((l) => l.event === 'end'));
  assert.equal(readFileSync(w.path('said'), 'utf8'), '');
});

test('last words stay the last, counters before and after them or not', needsMount, async (t) => {
  const w = world(t);
  const dying = `echo ok >&0; echo '{"traffic":{"read":1,"written":2,"operations":3}}' >&2; sleep 1.5; echo 'it broke' >&2; echo '{"traffic":{"read":2,"written":2,"operations":3}}' >&2; exit 9`;
  script(
    w.path('agent'),
    `case $(echo "\${!#}" | base64 -d 2>/dev/null) in *LookAt*) echo '{"missing":true}' >&0;; *) ${dying};; esac`,
  );
  await w.broker(answers(w.dir, ALLOW), { machines: { box: { address: `exec:${w.path('agent')}` } } });
  await w.ninefold('mount', `box:${w.share}`, w.mnt);
  await eventually('the end', () => w.log().some((l) => l.event === 'end'));
  const end = w.log().find((l) => l.event === 'end');
  assert.equal(end?.why, 'the server ended with status 9: it broke');
  assert.deepEqual(end?.traffic, { read: 2, written: 2, operations: 3 });
});

/** A target that says what it wants to, as `vault`, on the line of a session that it was granted. */
async function hostile(w: World): Promise<ChildProcess> {
  assert.equal((await w.ninefold('policy', 'allow', 'work', `vault:${w.share}`)).code, 0);
  const child = spawn(NODE, [client, 'dom0', `ninefold.FolderSession+${print(w.share)}`], {
    env: { ...process.env, ...w.env, QREXEC_SELF: 'vault' },
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  child.stdin?.on('error', () => {});
  child.stdin?.write(`${JSON.stringify({ version: 1, source: 'work', folder: w.share })}\n`);
  const first = await new Promise<string>((resolve) => child.stdout?.once('data', (d) => resolve(String(d))));
  assert.deepEqual(JSON.parse(first), { version: 1, folder: w.share, access: 'rw', traffic: true });
  return child;
}

test('what makes no sense is passed over, what falls is not believed, and the session goes on', async (t) => {
  const w = qubes(t, () => '');
  const child = await hostile(w);
  try {
    for (const line of [
      '{"traffic":{"read":7,"written":8,"operations":9}}',
      '{"traffic":{"read":6,"written":8,"operations":9}}',
      '{"traffic":{"read":1e300,"written":8,"operations":9}}',
      '\u0000\u202e{"traffic":',
      'x'.repeat(10_000),
    ])
      child.stdin?.write(`${line}\n`);
    const { id, traffic } = await within(3000, w, (s) => s.traffic !== undefined);
    assert.deepEqual(traffic, { read: 7, written: 8, operations: 9 });
    await sleep(1500);
    assert.deepEqual((await sessions(w))[0]?.traffic, traffic);
    child.stdin?.end();
    await eventually('the end', () => w.log().some((l) => l.event === 'end' && l.session === id));
    assert.equal(w.log().at(-1)?.why, 'the target closed it');
  } finally {
    child.kill();
  }
});

test('a target that floods the line loses its session', async (t) => {
  const w = qubes(t, () => '');
  const child = await hostile(w);
  try {
    const flood = Buffer.from('{"traffic":{"read":7,"written":8,"operations":9}}\n'.repeat(2000));
    child.stdin?.write(flood);
    await eventually('the end', () => w.log().some((l) => l.event === 'end'));
    assert.equal(w.log().at(-1)?.why, 'the target said more than it has to say');
    assert.deepEqual(await sessions(w), []);
  } finally {
    child.kill();
  }
});

test('a file of counters that makes no sense is as none, and goes with its session', async (t) => {
  const w = qubes(t, () => '');
  const child = await hostile(w);
  try {
    const [one] = await sessions(w);
    const file = w.path(`policy/sessions/${one?.id}.traffic`);
    for (const odd of ['', '[]', '{"read":-1,"written":0,"operations":0}', '{"read":1']) {
      writeFileSync(file, odd);
      assert.deepEqual(
        (await sessions(w)).map((s) => s.traffic),
        [undefined],
        odd,
      );
    }
    child.stdin?.end();
    await eventually('the end', () => w.log().some((l) => l.event === 'end'));
    assert.throws(() => readFileSync(file), { code: 'ENOENT' });
  } finally {
    child.kill();
  }
});
