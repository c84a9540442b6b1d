// SPDX-License-Identifier: MIT
// `ninefold policy`, `ninefold sessions`, the asking program of the terminal, mount(8)'s helper, the kernel's client.
import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { helperCommand } from '../../src/cli/folder/mount-helper.ts';
import { parseWanted } from '../../src/cli/folder/obtain.ts';
import { authorizeRefusal, connectRefusal, refusal } from '../../src/cli/folder/refusals.ts';
import { questionText } from '../../src/cli/policy/ask-tty.ts';
import { questionOf } from '../../src/policy/asking.ts';
import { cannotMount } from '../helpers/cli.ts';
import { answers, world } from './world.ts';

const reason = cannotMount();
const needsMount = reason === undefined ? {} : { skip: reason };

test('rules: made, listed, explained, taken away; as words and as JSON', async (t) => {
  const w = world(t);
  const policy = (...args: string[]): ReturnType<typeof w.ninefold> => w.ninefold('policy', ...args);
  assert.equal((await policy('list')).stdout, 'There are no rules: everything is asked about.\n');
  const allow = await policy('allow', 'work', 'vault:/home/user', '--for', '8h', '--json');
  const made = JSON.parse(allow.stdout) as Record<string, string>;
  assert.deepEqual(
    [made.effect, made.source, made.target, made.folder, made.access, made.lasts, made.origin],
    ['allow', 'work', 'vault', '/home/user', 'rw', 'until', 'command'],
  );
  const deny = await policy('deny', 'work', 'vault:/home/user/secret/');
  assert.match(deny.stdout, /^work is denied \/home\/user\/secret on vault, always \(rule [0-9a-f]{8}, /);
  assert.match(deny.stderr, /note: .*who mounts \/home\/user .* cannot go into it there/);
  assert.equal((await policy('allow', 'work', 'vault:/pub', '--read-only', '--once')).code, 0);

  const explained = await policy('explain', 'work', 'vault:/home/user/secret/a');
  assert.match(explained.stdout, /refused\. The rule for the deepest folder decides: work is denied/);
  const json = JSON.parse((await policy('explain', 'work', 'vault:/pub', '--json')).stdout) as Record<
    string,
    unknown
  >;
  assert.equal(json.decision, 'undecided');
  const list = JSON.parse((await policy('list', '--json', '--source', 'work')).stdout) as object[];
  assert.equal(list.length, 3);
  assert.match(
    (await policy('list')).stdout,
    /^ID +RULE +SOURCE .*\n.* allow +work +vault +\/home\/user +read, write +until /,
  );

  const own = JSON.parse((await policy('explain', 'work', 'work:/pub', '--json')).stdout) as Record<
    string,
    string
  >;
  assert.equal(own.decision, 'invalid');
  assert.match(own.words ?? '', /refused.* Nobody asks for a folder of its own/);

  assert.equal((await policy('block', 'work', 'vault')).code, 0);
  assert.match(
    (await policy('explain', 'work', 'vault:/pub', '-r')).stdout,
    /A block comes before everything else/,
  );
  const hidden = await policy('allow', 'work', 'vault:/x');
  assert.match(hidden.stderr, /note: it has no effect: everything that work asks of vault is blocked/);

  const one = await policy('revoke', made.id ?? '', '--json');
  assert.equal((JSON.parse(one.stdout) as { rules: object[] }).rules.length, 1);
  assert.equal((await policy('revoke', made.id ?? '')).code, 66, 'it is gone');
  assert.equal((await policy('revoke', '--folder', '/home')).code, 0);
  assert.equal((await policy('revoke', '--all')).code, 0);
  assert.equal((await policy('list')).stdout, 'There are no rules: everything is asked about.\n');
  const log = await policy('log', '-n', '0', '--json');
  const lines = log.stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as { event: string });
  assert.ok(lines.length >= 9 && lines.every((line) => line.event === 'change'));
  assert.match((await policy('log', '-n', '1')).stdout, /^2\d{3}-\d\d-\d\d \d\d:\d\d:\d\d {2}change /);
  assert.match((await policy('check')).stdout, /policy\.json: 0 rules\n$/);
});

test('what makes no sense is refused with 64 and one line', async (t) => {
  const w = world(t);
  const wrong: readonly (readonly string[])[] = [
    ['allow', 'work'],
    ['allow', 'work', 'vault'],
    ['allow', 'work', 'vault:home'],
    ['allow', 'work', 'vault:/a/../b'],
    ['allow', 'wo rk', 'vault:/a'],
    ['allow', 'work', 'work:/a'],
    ['allow', 'work', 'dom0:/a'],
    ['allow', 'disp7', 'vault:/a'],
    ['allow', 'work', 'vault:/a', '--for', 'ever'],
    ['allow', 'work', 'vault:/a', '--for', '1h', '--once'],
    ['allow', 'work', 'vault://'],
    ['allow', 'work', 'vault:/a//'],
    ['list', '--source', 'no such!'],
    ['list', '--source', 'work', '--target', 'no such!'],
    ['log', '--source', 'no such!'],
    ['revoke'],
    ['nothing'],
  ];
  const all = await Promise.all(wrong.map((args) => w.ninefold('policy', ...args)));
  for (const [i, r] of all.entries()) {
    assert.equal(r.code, 64, `${wrong[i]?.join(' ')}: ${r.stderr}`);
    assert.equal(r.stderr.trim().split('\n').length, 1, r.stderr);
  }
  assert.equal((await w.ninefold('policy', 'allow', 'disp7', 'vault:/a', '--once')).code, 0);
});

test('a damaged list: every command says so with 78, the log can still be read, and the version before comes back', async (t) => {
  const w = world(t);
  await w.ninefold('policy', 'allow', 'work', 'vault:/a');
  await w.ninefold('policy', 'allow', 'work', 'vault:/b');
  const path = w.path('policy/policy.json');
  writeFileSync(path, readFileSync(path, 'utf8').replace('vault', 'vauit'));
  for (const args of [['list'], ['allow', 'work', 'vault:/c'], ['explain', 'work', 'vault:/a'], ['check']]) {
    const r = await w.ninefold('policy', ...args);
    assert.equal(r.code, 78, args.join(' '));
    assert.match(r.stderr, /policy\.json: its check sum is wrong.*ninefold policy restore/);
  }
  assert.equal((await w.ninefold('policy', 'log')).code, 0);
  assert.match((await w.ninefold('policy', 'restore')).stdout, /1 rules of the version before are back/);
  const list = JSON.parse((await w.ninefold('policy', 'list', '--json')).stdout) as { folder: string }[];
  assert.deepEqual(
    list.map((r) => r.folder),
    ['/a'],
  );
});

test('a broker without anybody to ask says no', async (t) => {
  const w = world(t);
  await w.broker('');
  const r = await w.ninefold('mount', `box:${w.share}`, w.mnt);
  assert.equal(r.code, 69, r.stderr);
  assert.match(r.stderr, /could not ask anybody/);
  assert.match(w.log().at(-1)?.why ?? '', /nobody to ask/);
});

const question = questionOf(
  { source: 'work', target: 'vault', folder: '/home/user/Документы', access: 'rw' },
  { disposable: false, patience: 60, refusedMeanwhile: 7 },
);

test('the terminal’s question has all that a person needs', () => {
  const text = questionText(question);
  for (const words of [
    'work wants to read, change and delete all files below the folder /home/user/Документы on vault.',
    'Cyrillic letters',
    '7 more requests of work were refused',
    'always      allow it always',
    'anything else: refuse it this time',
  ])
    assert.ok(text.includes(words), `${words}\n${text}`);
  const once = questionText({ ...question, lasts: ['once'], access: 'ro' });
  assert.doesNotMatch(once, /allow it always|for an hour|to read only/);
});

test('mount(8)’s helper: its arguments, and a whole mount', needsMount, async (t) => {
  const argv = (...args: string[]): unknown => {
    const helper = helperCommand(args);
    return 'argv' in helper ? helper.argv.slice(3) : 'why' in helper ? 'refused' : helper.options;
  };
  assert.deepEqual(argv('vault:/a', '/mnt', '-o', 'rw,client=fuse,noatime'), [
    '--client=fuse',
    '-o',
    'rw,noatime',
  ]);
  assert.deepEqual(argv('vault:/a', '/mnt', '-n', '-v'), []);
  assert.deepEqual(argv('vault:/a', '/mnt', '-r'), ['-o', 'ro']);
  assert.deepEqual(argv('vault:/a', '/mnt', '-s', '-o', 'ro,what,msize=1'), ['-o', 'ro,msize=1']);
  assert.deepEqual(argv('vault:/a', '/mnt', '-o', 'rw,remount,noexec'), ['rw', 'noexec']);
  assert.equal(argv('-o', 'ro'), 'refused');
  assert.equal(argv('vault:/a', '/mnt', '-N', '/proc/1/ns/mnt'), 'refused');
  assert.equal(argv('vault:/a', '/mnt', '--x'), 'refused');
  const w = world(t);
  await w.broker(answers(w.dir, { answer: 'allow' }));
  const fake = await w.run('mount.ninefold', [`box:${w.share}`, w.mnt, '-f', '-o', 'ro']);
  assert.equal(fake.code, 0);
  assert.deepEqual(readdirSync(w.mnt), []);
  const r = await w.run('mount.ninefold', [`box:${w.share}`, w.mnt, '-o', 'ro,x-systemd.automount']);
  assert.equal(r.code, 0, r.stderr);
  assert.equal(readFileSync(join(w.mnt, 'hello'), 'utf8'), 'world');
  assert.equal(w.question().access, 'ro');
  assert.equal((await w.run('mount.ninefold', ['box:/a'])).code, 64);
});

test(
  'the kernel’s client: mount(8) gets the channel as its standard input and output, and nothing of the other side in its options',
  needsMount,
  async (t) => {
    const w = world(t);
    const place = join(w.share, 'a,uname=root');
    mkdirSync(place);
    mkdirSync(w.path('bin'));
    writeFileSync(
      w.path('bin/mount'),
      `#!/bin/sh\nprintf '%s\\n' "$@" > ${w.path('argv')}\n[ -S /proc/self/fd/0 ] && [ -S /proc/self/fd/1 ] || exit 1\n`,
    );
    chmodSync(w.path('bin/mount'), 0o755);
    await w.broker(answers(w.dir, { answer: 'allow', access: 'ro' }));
    const r = await w.run('qvm-mount-folder', ['box', place, w.mnt, '--client', 'kernel'], {
      env: { PATH: `${w.path('bin')}:${process.env.PATH}` },
    });
    assert.equal(r.code, 0, r.stderr);
    const argv = readFileSync(w.path('argv'), 'utf8').trim().split('\n');
    assert.deepEqual(argv.slice(0, 3), ['-t', '9p', '-o']);
    assert.match(
      argv[3] ?? '',
      /^trans=fd,rfdno=0,wfdno=1,version=9p2000\.L,access=any,dfltuid=0,.*,ro,nosuid,nodev$/,
    );
    assert.doesNotMatch(argv[3] ?? '', /a,uname=root/);
    assert.deepEqual(argv.slice(4), ['--', `qvm://box${place}`, w.mnt]);
    rmSync(place, { recursive: true });
  },
);

test('sources and folders of machines are told apart; statuses have their sentences', () => {
  assert.deepEqual(parseWanted('vault:/a:b'), { machine: 'vault', folder: '/a:b' });
  for (const other of ['unix:/run/x', 'ssh://h/a', 'vsock:2:5', 'exec:/bin/x', 'vault:a', '/a:/b'])
    assert.equal(parseWanted(other), undefined, other);
  assert.equal(authorizeRefusal(13, undefined), 'denied');
  assert.equal(authorizeRefusal(13, 'blocked'), 'blocked');
  assert.equal(authorizeRefusal(13, 'toString'), 'denied');
  assert.equal(authorizeRefusal(126, undefined), 'policy');
  assert.equal(connectRefusal(125), 'down');
  assert.equal(connectRefusal(77), 'unknown');
  assert.match(
    refusal({ machine: 'a', folder: '/b\u202e' }, 'down').message,
    /a:\/b\\u202e: the other machine does not run/,
  );
});
