// SPDX-License-Identifier: MIT
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { StoreFiles } from '../../src/broker/files.ts';
import { storeFiles } from '../../src/broker/files.ts';
import type { PolicyStore } from '../../src/broker/store.ts';
import { Book } from '../../src/policy/book.ts';
import { withRule } from '../../src/policy/change.ts';
import { linesOf, parsePolicy } from '../../src/policy/lines.ts';
import type { Rule } from '../../src/policy/rule.ts';
import { scratch } from '../helpers/places.ts';
import { openStore, rule, sha256 } from './ground.ts';

const child = fileURLToPath(new URL('./crash-child.js', import.meta.url));

function policyLines(store: PolicyStore): string[] {
  const text = storeFiles.read(store.policyFile ?? '');
  if (text === undefined) return [];
  const parsed = parsePolicy(text);
  assert.ok(parsed.ok, 'the policy file reads');
  return parsed.value;
}

/** A fresh reader: nothing remembered. */
function check(dir: string): readonly Rule[] {
  const store = openStore(dir);
  const { rules } = store.load();
  const said = new Set(linesOf(sha256, rules, Date.now()));
  for (const line of policyLines(store)) assert.ok(said.has(line), `the policy grants more: ${line}`);
  return rules;
}

async function set(store: PolicyStore, rules: readonly Rule[]): Promise<void> {
  await store.change(() => ({ rules, result: undefined }));
}

const CHANGES: readonly (readonly [what: string, before: readonly Rule[], after: readonly Rule[]])[] = [
  ['the first grant', [], [rule('allow', '/a')]],
  ['one more', [rule('allow', '/a')], [rule('allow', '/a'), rule('allow', '/b')]],
  ['a revocation', [rule('allow', '/a'), rule('allow', '/b')], [rule('allow', '/b')]],
  ['one for another', [rule('allow', '/a')], [rule('deny', '/a'), rule('allow', '/c', { access: 'ro' })]],
  ['less access', [rule('allow', '/a')], [rule('allow', '/a', { access: 'ro' })]],
];

test('kill -9 at every write, link, rename and fsync: the store is the old one or the new one, and the policy grants no more than it', async (t) => {
  for (const [what, before, after] of CHANGES)
    await t.test(what, async (t) => {
      let killed = 0;
      for (let step = 1; step < 60; step++) {
        const dir = scratch(t, 'store');
        if (before.length > 0) await set(openStore(dir), before);
        const r = spawnSync(process.execPath, [child, dir, String(step), JSON.stringify(after)], {
          encoding: 'utf8',
        });
        const over = r.status === 0;
        assert.ok(over || r.signal === 'SIGKILL', r.stderr);
        const rules = check(dir);
        const is = (wanted: readonly Rule[]): boolean =>
          JSON.stringify(rules.map((x) => x.id)) === JSON.stringify(wanted.map((x) => x.id));
        assert.ok(is(before) || is(after), `step ${step}: neither before nor after`);
        // The next start brings the policy into line.
        const store = openStore(dir);
        await store.repair();
        assert.deepEqual(policyLines(store), linesOf(sha256, rules, Date.now()));
        await set(store, after);
        check(dir);
        if (over) break;
        killed++;
      }
      assert.ok(killed >= 9, `${killed} steps`);
    });
});

test('the same, a thousand times over, at random steps of random changes', async (t) => {
  const dir = scratch(t, 'store');
  let seed = 7;
  const random = (n: number): number => {
    seed = (Math.imul(seed, 1_103_515_245) + 12_345) >>> 0;
    return (seed >>> 8) % n;
  };
  let cut = 0;
  for (let round = 0; round < 1000; round++) {
    let left = 1 + random(20);
    const stop = (): void => {
      if (--left === 0) throw new Error('cut');
    };
    const cutting: StoreFiles = {
      read: (path) => storeFiles.read(path),
      write(path, text, like) {
        stop();
        storeFiles.write(path, left === 1 ? text.slice(0, random(text.length)) : text, like);
        stop();
      },
      rename(from, to) {
        stop();
        storeFiles.rename(from, to);
        stop();
      },
      link(from, to) {
        stop();
        storeFiles.link(from, to);
      },
      // Not to the disk a thousand times: what is tested is the order.
      syncFolder: stop,
    };
    const store = openStore(dir, cutting);
    try {
      await store.change((rules) => ({
        rules:
          random(3) === 0
            ? rules.slice(1)
            : withRule(rules, rule(random(4) === 0 ? 'deny' : 'allow', `/f${random(9)}`)),
        result: undefined,
      }));
    } catch (error) {
      assert.equal((error as Error).message, 'cut');
      cut++;
    }
    check(dir);
  }
  assert.ok(cut > 300, `${cut}`);
});

test('a process that changes without an end, killed at any moment', async (t) => {
  const dir = scratch(t, 'store');
  for (let i = 0; i < 12; i++) {
    const running = spawn(process.execPath, [child, dir, '0'], { stdio: ['ignore', 'pipe', 'inherit'] });
    const ended = new Promise((resolve) => running.once('exit', resolve));
    await new Promise((resolve) => running.stdout.once('data', resolve));
    await sleep(i * 3);
    running.kill('SIGKILL');
    await ended;
    check(dir);
    await openStore(dir).repair();
  }
});

test('two that change at once lose nothing', async (t) => {
  const dir = scratch(t, 'store');
  await Promise.all(
    Array.from({ length: 40 }, (_, i) =>
      openStore(dir).change((rules) => ({ rules: withRule(rules, rule('allow', `/n${i}`)), result: 0 })),
    ),
  );
  assert.equal(check(dir).length, 40);
});

test('flipped bits, missing ends, a file that is gone: nothing is granted, the damage is named, the previous version is offered and comes back', async (t) => {
  const dir = scratch(t, 'store');
  const store = openStore(dir);
  await set(store, [rule('allow', '/kept')]);
  await set(store, [rule('allow', '/kept'), rule('deny', '/kept/secret')]);
  const good = readFileSync(store.path);
  const damages: (Buffer | undefined)[] = [undefined, Buffer.alloc(0), good.subarray(0, good.length - 5)];
  for (let at = 0; at < good.length; at += 7) {
    const flipped = Buffer.from(good);
    flipped[at] = (flipped[at] ?? 0) ^ (1 << (at % 8));
    damages.push(flipped);
  }
  for (const damage of damages) {
    rmSync(store.path, { force: true });
    if (damage !== undefined) writeFileSync(store.path, damage);
    const reader = openStore(dir);
    for (const attempt of [
      () => Promise.resolve(reader.load()),
      () => reader.repair(),
      () => set(reader, []),
    ])
      await assert.rejects(async () => attempt(), {
        code: 'STORE_DAMAGED',
        message: /policy\.json.*ninefold policy restore/,
      });
    assert.deepEqual(storeFiles.read(store.path), damage?.toString('utf8'), 'it is left as it is');
  }
  assert.equal(await openStore(dir).restore(), 1);
  assert.deepEqual(
    check(dir).map((r) => r.folder),
    ['/kept'],
  );
});

test('a list that is whole is not restored: that would take the last change back, a block say', async (t) => {
  const dir = scratch(t, 'store');
  const store = openStore(dir);
  await set(store, [rule('allow', '/a')]);
  await set(store, [rule('allow', '/a'), rule('block', '/')]);
  await assert.rejects(openStore(dir).restore(), { code: 'STORE_WHOLE', exit: 64 });
  assert.equal(check(dir).length, 2);
  rmSync(store.path);
  assert.equal(await openStore(dir).restore(), 1, 'one that is gone is');
  writeFileSync(store.path, 'x');
  writeFileSync(store.previous, 'x');
  await assert.rejects(openStore(dir).restore(), {
    code: 'STORE_DAMAGED',
    message: /move .*policy\.json and .*policy\.json\.previous away/,
  });
});

test('an edit by hand is damage; a policy line of another’s is never overwritten', async (t) => {
  const dir = scratch(t, 'store');
  const store = openStore(dir);
  await set(store, [rule('allow', '/a', { access: 'ro' })]);
  writeFileSync(store.path, readFileSync(store.path, 'utf8').replace('"ro"', '"rw"'));
  assert.throws(() => openStore(dir).load(), { code: 'STORE_DAMAGED', message: /check sum/ });

  const other = scratch(t, 'store');
  const second = openStore(other);
  await set(second, [rule('allow', '/a')]);
  writeFileSync(second.policyFile ?? '', 'qubes.Filecopy * a b allow\n');
  await assert.rejects(openStore(other).repair(), { code: 'POLICY_DAMAGED', message: /line 1 / });
  assert.equal(readFileSync(second.policyFile ?? '', 'utf8'), 'qubes.Filecopy * a b allow\n');
});

test('a policy that grants too much is mended at the start; grants that have run out go', async (t) => {
  const dir = scratch(t, 'store');
  const store = openStore(dir);
  await set(store, [
    rule('allow', '/a'),
    rule('allow', '/b', { lasts: 'until', until: Date.now() + 3_600_000 }),
  ]);
  const extra = `ruddo.ConnectToFolder +${'0'.repeat(32)} one two allow`;
  writeFileSync(store.policyFile ?? '', `${readFileSync(store.policyFile ?? '', 'utf8')}${extra}\n`);
  await openStore(dir).repair();
  assert.equal(policyLines(store).length, 4);
  assert.ok(!policyLines(store).includes(extra));
  await openStore(dir, storeFiles, () => Date.now() + 4_000_000).repair();
  assert.equal(policyLines(store).length, 2);
  assert.equal(check(dir).length, 1);
});

test('the original’s database is taken over once, and a damaged one stops everything', async (t) => {
  const dir = scratch(t, 'store');
  const notes: string[] = [];
  const store = openStore(dir, storeFiles, Date.now, notes);
  const entry = { folder: '/home/user', response: 'ALLOW_ALWAYS', source: 'one', target: 'two' };
  const path = join(store.dir, 'policy.db');
  writeFileSync(path, '{"a": ');
  await assert.rejects(store.repair(), { code: 'STORE_DAMAGED', message: /policy\.db/ });
  writeFileSync(path, JSON.stringify({ a: entry, b: { ...entry, folder: '/x', source: 'disp1' } }));
  await store.repair();
  assert.equal(store.load().rules.length, 1);
  assert.match(notes.join('\n'), /took over 1 decisions.*\n.*left behind/);
  assert.equal(policyLines(store).length, 2);
  await set(store, []);
  await openStore(dir).repair();
  assert.equal(check(dir).length, 0, 'not a second time');
  for (const file of [store.path, store.previous]) rmSync(file);
  await openStore(dir, storeFiles, Date.now, notes).repair();
  assert.equal(check(dir).length, 0, 'nor when the list is begun anew');
  assert.match(notes.at(-1) ?? '', /policy\.db is not taken over a second time; remove .*taken-over/);
  rmSync(`${path}.taken-over`);
  await openStore(dir).repair();
  assert.equal(check(dir).length, 1);
});

test('a policy.db of before the mark was made is marked at the next start', async (t) => {
  const dir = scratch(t, 'store');
  const store = openStore(dir);
  const entry = { folder: '/a', response: 'ALLOW_ALWAYS', source: 'one', target: 'two' };
  await set(store, [rule('allow', '/b')]);
  writeFileSync(join(store.dir, 'policy.db'), JSON.stringify({ a: entry }));
  await openStore(dir).repair();
  for (const file of [store.path, store.previous]) rmSync(file, { force: true });
  await openStore(dir).repair();
  assert.equal(check(dir).length, 0);
});

test('files are the user’s alone, in a folder shared with a group the group’s too', async (t) => {
  const dir = scratch(t, 'store');
  const store = openStore(dir);
  await set(store, []);
  await set(store, [rule('allow', '/a')]);
  for (const name of readdirSync(store.dir))
    assert.equal(statSync(join(store.dir, name)).mode & 0o777, 0o600, name);
  const shared = scratch(t, 'store');
  mkdirSync(join(shared, 'store'));
  spawnSync('chmod', ['2770', join(shared, 'store')]);
  await set(openStore(shared), [rule('allow', '/a')]);
  for (const name of readdirSync(join(shared, 'store')))
    assert.equal(statSync(join(shared, 'store', name)).mode & 0o777, 0o660, name);
});

test('10,000 rules: a decision takes less than a millisecond', async (t) => {
  const rules = Array.from({ length: 10_000 }, (_, i) =>
    rule(i % 10 === 0 ? 'deny' : 'allow', `/home/user/${i % 100}/${i}`, {
      source: `vm${i % 50}`,
      // Two of so many random ones are the same once in ninety runs.
      id: i.toString(16).padStart(8, '0'),
    }),
  );
  const dir = scratch(t, 'store');
  await set(openStore(dir), rules);
  const book = openStore(dir).load();
  assert.equal(book.rules.length, 10_000);
  const began = performance.now();
  for (let i = 0; i < 10_000; i++)
    book.decide(
      { source: `vm${i % 50}`, target: 'two', folder: `/home/user/${i % 100}/${i}/deep/er`, access: 'rw' },
      0,
    );
  const each = (performance.now() - began) / 10_000;
  t.diagnostic(`${(each * 1000).toFixed(2)} µs each`);
  // 1 ms is the goal; the machine may be busy, and it is a hundred times under it.
  assert.ok(each < 1, `${each} ms`);
  assert.ok(book instanceof Book);
});
