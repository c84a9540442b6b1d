// SPDX-License-Identifier: MIT
// What the folder share manager asks of the command line: rules put back and changed, their last use, the files, the machines.
import assert from 'node:assert/strict';
import { appendFileSync, chmodSync, renameSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { nodeProgram, type Ran, start } from '../helpers/cli.ts';
import { type World, world } from './world.ts';

type Json = Record<string, unknown>;

async function put(w: World, rule: unknown, ...more: string[]): Promise<Ran> {
  const [program = '', ...args] = nodeProgram('ninefold', 'policy', 'put', '--json', ...more);
  writeFileSync(w.path('rule.json'), typeof rule === 'string' ? rule : JSON.stringify(rule));
  const line = `exec "$@" < ${w.path('rule.json')}`;
  return start(['/bin/sh', '-c', line, 'sh', program, ...args], { env: w.env }).ended;
}

test('a rule that was taken away comes back as it was; a changed one keeps its id and what it is bound to', async (t) => {
  const w = world(t);
  const policy = async (...args: string[]): Promise<unknown> =>
    JSON.parse((await w.ninefold('policy', ...args, '--json')).stdout);
  const made = (await policy('allow', 'work', 'vault:/a', '--for', '8h')) as Json;
  assert.equal(made.replaced, undefined);
  const bound = { ...made, bound: '5:7', origin: 'asked' };
  assert.equal((await put(w, bound)).code, 0);
  const gone = (await policy('revoke', String(made.id))) as { rules: Json[] };
  assert.deepEqual(gone.rules, [bound]);
  assert.deepEqual(await policy('list'), []);
  assert.equal((await put(w, gone.rules[0])).code, 0);
  assert.deepEqual(await policy('list'), [bound]);
  const changed = { ...bound, access: 'ro' };
  const reply = JSON.parse((await put(w, changed)).stdout) as { replaced: Json[] };
  assert.deepEqual(reply.replaced, [bound], 'so that it can be undone');
  assert.deepEqual(await policy('list'), [changed]);
  const denied = (await policy('deny', 'work', 'vault:/a')) as { replaced: Json[] };
  assert.deepEqual(denied.replaced, [changed]);
});

test('what is no rule, has run out, or may not be is refused with 64 and one line', async (t) => {
  const w = world(t);
  const allow = await w.ninefold('policy', 'allow', 'work', 'vault:/a', '--json');
  const made = JSON.parse(allow.stdout) as Json;
  const past = { ...made, lasts: 'until', until: '2020-01-01T00:00:00.000Z' };
  for (const [rule, words] of [
    ['', /RULE|no rule|cannot understand/],
    ['{', /cannot understand/],
    [{ ...made, extra: 1 }, /cannot understand/],
    [{ ...made, folder: '/a/../b' }, /canonical/],
    [past, /its time is over/],
    [{ ...past, lasts: 'once', until: '2999-01-01T00:00:00.000Z' }, /once is good for 2 minutes/],
    [{ ...made, source: 'disp1' }, /disposable/],
  ] as const) {
    const r = await put(w, rule);
    assert.equal(r.code, 64, r.stderr);
    assert.match(r.stderr, words);
    assert.equal(r.stderr.trim().split('\n').length, 1, r.stderr);
  }
});

test('--if-is: a rule that was taken away or changed meanwhile does not come back', async (t) => {
  const w = world(t);
  const policy = async (...args: string[]): Promise<unknown> =>
    JSON.parse((await w.ninefold('policy', ...args, '--json')).stdout);
  const seen = (await policy('allow', 'work', 'vault:/a')) as Json;
  const ifIs = ['--if-is', JSON.stringify(seen)];
  const edited = { ...seen, access: 'ro' };
  assert.equal((await put(w, edited, ...ifIs)).code, 0);
  const changed = await put(w, { ...seen, folder: '/b' }, ...ifIs);
  assert.equal(changed.code, 64);
  assert.match(
    changed.stderr,
    /will not put rule [0-9a-f]{8}: it was changed meanwhile: work may read only \/a/,
  );
  assert.deepEqual(await policy('list'), [edited]);
  await policy('revoke', String(seen.id));
  const gone = await put(w, seen, ...ifIs);
  assert.equal(gone.code, 64);
  assert.match(gone.stderr, /will not put .*: it was taken away meanwhile/);
  assert.deepEqual(await policy('list'), []);
  assert.match((await put(w, seen, '--if-is', '{')).stderr, /the rule of --if-is/);
  assert.equal((await put(w, seen)).code, 0, 'who says nothing of it puts it back');
});

test('the last use of a rule, from the log', async (t) => {
  const w = world(t);
  const allow = await w.ninefold('policy', 'allow', 'work', 'vault:/a', '--json');
  const { id } = JSON.parse(allow.stdout) as { id: string };
  const line = (time: string, folder: string): object => ({
    time,
    event: 'connection',
    source: 'work',
    target: 'vault',
    folder,
    access: 'ro',
    rule: id,
    session: '01234567',
  });
  const lines = [line('2026-01-01T00:00:00.000Z', '/a'), line('2026-01-02T00:00:00.000Z', '/a/b')];
  writeFileSync(w.path('policy/audit.jsonl'), lines.map((l) => `${JSON.stringify(l)}\n`).join(''));
  const list = JSON.parse((await w.ninefold('policy', 'list', '--uses', '--json')).stdout) as Json[];
  assert.deepEqual(list[0]?.used, {
    time: '2026-01-02T00:00:00.000Z',
    source: 'work',
    folder: '/a/b',
    access: 'ro',
    session: '01234567',
  });
  // It stands in an older log by now, and something else in the present one.
  renameSync(w.path('policy/audit.jsonl'), w.path('policy/audit.jsonl.3'));
  writeFileSync(w.path('policy/audit.jsonl'), `${JSON.stringify({ time: 'x', event: 'end', rule: id })}\n`);
  const again = JSON.parse((await w.ninefold('policy', 'list', '--uses', '--json')).stdout) as Json[];
  assert.deepEqual(again[0]?.used, list[0]?.used);
});

test('the log goes on into the older files: the last lines of all of them, and pages with places', async (t) => {
  const w = world(t);
  const entry = (i: number): string =>
    `${JSON.stringify({ time: new Date(i * 1000).toISOString(), event: 'request', source: i % 2 ? 'odd' : 'even', folder: `/${i}` })}\n`;
  const fill = (name: string, from: number, to: number): void =>
    writeFileSync(
      w.path(`policy/${name}`),
      Array.from({ length: to - from }, (_, i) => entry(from + i)).join(''),
    );
  fill('audit.jsonl.2', 0, 5000);
  fill('audit.jsonl.1', 5000, 9000);
  fill('audit.jsonl', 9000, 9010);
  appendFileSync(w.path('policy/audit.jsonl.1'), '{broken\n');
  const folders = (text: string): string[] =>
    text
      .split('\n')
      .filter((l) => l !== '')
      .map((l) => String((JSON.parse(l) as Json).folder));
  const last = await w.ninefold('policy', 'log', '--json', '-n', '20');
  assert.deepEqual([folders(last.stdout).length, folders(last.stdout)[0]], [20, '/8990']);
  assert.match(last.stderr, /1 lines of .* cannot be read/);
  const odd = await w.ninefold('policy', 'log', '--json', '-n', '0', '--source', 'odd');
  assert.deepEqual([folders(odd.stdout).length, folders(odd.stdout)[0]], [4505, '/1']);
  const seen: string[] = [];
  let damaged = 0;
  for (let before: string[] = []; ; ) {
    const r = await w.ninefold('policy', 'log', '--page', '--lines', '4000', ...before);
    const lines = r.stdout.trim().split('\n');
    const json = lines.map((l) => JSON.parse(l) as Json);
    damaged += json.filter((l) => l.damaged === true).length;
    seen.unshift(...json.flatMap((l) => (typeof l.folder === 'string' ? [l.folder] : [])));
    const older = (json.at(-1)?.page as Json | undefined)?.older;
    if (older === undefined) break;
    before = ['--before', String(older)];
  }
  assert.deepEqual(
    seen,
    Array.from({ length: 9010 }, (_, i) => `/${i}`),
  );
  assert.equal(damaged, 1);
});

test('where the files are, and which machines there are, of the broker and of Qubes', async (t) => {
  const w = world(t);
  const json = async (...args: string[]): Promise<unknown> =>
    JSON.parse((await w.ninefold('policy', ...args, '--json')).stdout);
  assert.deepEqual(await json('paths'), {
    dir: w.path('policy'),
    rules: w.path('policy/policy.json'),
    log: w.path('policy/audit.jsonl'),
    sessions: w.path('policy/sessions'),
    qubes: false,
  });
  writeFileSync(w.path('broker.json'), '{"self":"desk","machines":{"box":{},"d":{"disposable":true}}}');
  assert.deepEqual(await json('machines'), [
    { name: 'desk', disposable: false },
    { name: 'box', disposable: false },
    { name: 'd', disposable: true },
  ]);
  const script = "#!/bin/sh\nprintf 'dom0|AdminVM\\nwork|AppVM\\nweb|DispVM\\n'\n";
  writeFileSync(w.path('qvm-ls'), script);
  chmodSync(w.path('qvm-ls'), 0o755);
  w.env.NINEFOLD_QVM_LS = w.path('qvm-ls');
  assert.deepEqual(await json('machines'), [
    { name: 'work', disposable: false },
    { name: 'web', disposable: true },
  ]);
});
