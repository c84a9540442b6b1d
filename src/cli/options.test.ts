// SPDX-License-Identifier: MIT
import assert from 'node:assert/strict';
import { closeSync, openSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { scratch } from '../../test/helpers/places.ts';
import { NinefoldError } from '../base/error.ts';
import { T } from '../p9/messages.ts';
import { mountSettings } from './mount/options.ts';
import { deniedOperations, OPERATION_NAMES } from './operations.ts';
import { envName, SERVE_OPTIONS, serverOptions, serveSettings } from './serve/options.ts';
import { serveMode } from './serve/request.ts';
import { userTable } from './serve/users.ts';
import { booleanOption, idsOption, modeOption, numberOption } from './values.ts';

const edges = { log: () => {}, lookupUser: () => undefined };

test('what is not given stands at its default, and the safe one at that', () => {
  const s = serveSettings({}, {});
  assert.equal(s.sandbox, 'auto');
  assert.deepEqual([s.readOnly, s.devices, s.acl, s.stats], [false, false, false, false]);
  const o = serverOptions(s, edges);
  assert.equal(o.deny.size, 0);
  assert.equal(o.squash, undefined);
});

test('every option works as a flag and as an environment variable, and the flag wins', () => {
  const values: Record<string, [flag: string, env: string]> = {
    deny: ['walk', 'read'],
    allow: ['walk', 'read'],
    squash: ['1:2', '3:4'],
    'keep-free': ['1M', '2M'],
    sandbox: ['none', 'bwrap'],
    msize: ['64K', '8192'],
    'max-fids': ['100', '200'],
    'max-fds': ['100', '200'],
    'max-xattr-fids': ['10', '20'],
    'max-watches': ['10', '20'],
    'max-inflight': ['10', '20'],
    'log-level': ['debug', 'error'],
    'log-format': ['text', 'json'],
  };
  const plain = JSON.stringify(serveSettings({}, {}));
  for (const { flag, value } of SERVE_OPTIONS) {
    const [byFlag, byEnv] =
      value === undefined ? [true, '1'] : (values[flag] ?? assert.fail(`no value for ${flag}`));
    const fromFlag = JSON.stringify(serveSettings({ [flag]: byFlag }, {}));
    const fromEnv = JSON.stringify(serveSettings({}, { [envName(flag)]: byEnv }));
    assert.equal(
      JSON.stringify(serveSettings({ [flag]: byFlag }, { [envName(flag)]: byEnv })),
      fromFlag,
      flag,
    );
    assert.notEqual(fromEnv, plain, `${flag} changes something`);
  }
});

test('sizes, limits and lists reach the engine', () => {
  const s = serveSettings(
    { msize: '64K', 'max-fids': '100', deny: 'write,lcreate', squash: '1000:1001' },
    {},
  );
  const o = serverOptions(s, edges);
  assert.equal(o.limits.msize, 65_536);
  assert.equal(o.limits.fids, 100);
  assert.deepEqual([...o.deny].sort(), [T.write, T.lcreate].sort());
  assert.deepEqual(o.squash, { uid: 1000, gid: 1001, groups: [] });
});

for (const [raw, code, why] of [
  [{ msize: '100' }, 'OPTION_VALUE', /from 4096 to/],
  [{ msize: '1G' }, 'OPTION_VALUE', /out of range/],
  [{ 'max-fids': 'many' }, 'OPTION_VALUE', /max-fids "many"/],
  [{ sandbox: 'chroot' }, 'OPTION_VALUE', /auto, bwrap, landlock, none/],
  [{ squash: 'root:root' }, 'OPTION_VALUE', /1000:1000/],
  [{ squash: '4294967295:0' }, 'OPTION_VALUE', /user id/],
  [{ deny: 'unlink' }, 'OPERATION_UNKNOWN', /unlinkat/],
  [{ deny: 'walk,attach' }, 'OPERATION_NEEDED', /no client could work/],
] as const)
  test(`serving with ${JSON.stringify(raw)} is a usage error that helps`, () =>
    assert.throws(() => serveSettings(raw, {}), { code, exit: 64, message: why }));

test('what is no number is told from one out of range, and units and switches are named', () => {
  assert.throws(() => numberOption('--n', 'abc', 1, 3600), {
    message: 'cannot use --n "abc": it is no number; give a number from 1 to 3600',
  });
  assert.throws(() => numberOption('--n', '1X', 0, 1024 ** 3), {
    message: /it is no number; .*; K, M or G behind it stand for powers of 1024$/,
  });
  assert.throws(() => numberOption('--n', '2K', 0, 1024), { message: /it is out of range/ });
  assert.throws(() => booleanOption('at-login', 'maybe'), { message: /; use on or off \(/ });
});

test('a wrong environment variable is named as such', () => {
  assert.throws(() => serveSettings({}, { NINEFOLD_READ_ONLY: 'perhaps' }), {
    message: /NINEFOLD_READ_ONLY "perhaps"/,
  });
});

test('--allow leaves only what is named and what no client can do without', () => {
  const denied = deniedOperations(undefined, 'walk, read');
  const left = OPERATION_NAMES.filter((n) => !denied.has(n));
  assert.deepEqual(left.sort(), ['attach', 'clunk', 'flush', 'read', 'version', 'walk']);
  assert.ok(deniedOperations('read', 'walk,read').has('read'), 'a denial wins');
});

test('numbers, ids, modes and switches: any text gives a value in range or a usage error', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      for (const read of [
        () => numberOption('--n', text, 5, 1000),
        () => modeOption('--m', text),
        () => idsOption('--i', text),
        () => booleanOption('N', text),
      ])
        try {
          const v = read();
          if (typeof v === 'number') assert.ok(v >= 0 && v <= 1000);
        } catch (error) {
          assert.ok(error instanceof NinefoldError && error.exit === 64);
        }
    }),
  );
  assert.equal(numberOption('--n', '2k', 1, 4096), 2048);
  assert.equal(modeOption('--m', '0660'), 0o660);
});

test('a server has one kind of client', () => {
  const mode = (flags: Parameters<typeof serveMode>[0], env = {}) => serveMode(flags, env, 42);
  assert.deepEqual(mode({ stdio: true }), { kind: 'pair', readFd: 0, writeFd: 1 });
  assert.deepEqual(mode({ fds: '7,8' }), { kind: 'pair', readFd: 7, writeFd: 8 });
  const listen = mode({ listen: ['unix:a', 'vsock:5'] });
  assert.ok(listen.kind === 'listen' && listen.listens.length === 2 && listen.socketMode === 0o600);
  const systemd = { LISTEN_PID: '42', LISTEN_FDS: '1' };
  const activated = mode({}, { ...systemd });
  assert.ok(activated.kind === 'listen' && activated.systemdFds.length === 1);
  const wrong: Parameters<typeof serveMode>[0][] = [
    {},
    { stdio: true, fds: '3,4' },
    { listen: ['unix:a'], stdio: true },
    { listen: ['systemd'] },
  ];
  for (const flags of wrong) assert.throws(() => mode(flags), { code: 'SERVE_MODE', exit: 64 });
  assert.throws(() => mode({ fds: '3' }), { code: 'OPTION_VALUE' });
  assert.throws(() => mode({ listen: ['unix:a'], socketMode: '999' }), { code: 'OPTION_VALUE' });
});

test('mount options: safe by default, the last one counts, fstab words are let through', () => {
  const s = mountSettings([], false, true);
  assert.deepEqual(
    [s.nosuid, s.nodev, s.nosymfollow, s.defaultPermissions, s.readOnly],
    [true, true, true, true, false],
  );
  const t = mountSettings(
    ['ro,noexec,_netdev,x-systemd.automount', 'rw,suid,uid=5,gid=root,aname=a=b'],
    false,
    true,
  );
  assert.deepEqual(
    [t.readOnly, t.noexec, t.nosuid, t.uid, t.gid, t.aname],
    [false, true, false, 5, 0, 'a=b'],
  );
  assert.equal(mountSettings(['rw'], true, true).readOnly, true);
});

for (const [list, code, why] of [
  ['nosiud', 'MOUNT_OPTION', /no such option.*nosuid/],
  ['ro=1', 'MOUNT_OPTION', /takes no value/],
  ['allow_other,no_default_permissions', 'MOUNT_OPTION', /nobody would check/],
  ['uid', 'MOUNT_OPTION', /value is missing/],
  ['uid=no-such-user', 'MOUNT_OPTION', /no such name/],
  ['msize=12', 'OPTION_VALUE', /4096/],
  ['suid', 'MOUNT_OPTION_ROOT', /only root/],
  ['dev', 'MOUNT_OPTION_ROOT', /only root/],
  ['nosymfollow', 'MOUNT_OPTION_ROOT', /fusermount3/],
] as const)
  test(`mounting with -o ${list} as a user is refused with the reason`, () =>
    assert.throws(() => mountSettings([list], false, false), { code, message: why }));

test('users come from passwd and group, supplementary groups too', (t) => {
  const dir = scratch(t, 'users');
  writeFileSync(join(dir, 'p'), 'root:x:0:0::/:/bin/sh\nann:x:7:70::/:\nodd:x:x:1::/:\nann2:x:7:71::/:\n');
  writeFileSync(join(dir, 'g'), 'a:x:70:ann\nb:x:80:bob,ann\nc:x:90:ann\n');
  const files = { passwd: openSync(join(dir, 'p'), 'r'), group: openSync(join(dir, 'g'), 'r') };
  t.after(() => {
    closeSync(files.passwd);
    closeSync(files.group);
  });
  const who = userTable(files);
  assert.deepEqual(who({ uid: 7 }), { uid: 7, gid: 70, groups: [80, 90] });
  assert.deepEqual(who({ name: 'ann' }), who({ uid: 7 }));
  assert.equal(who({ name: 'odd' }), undefined);
  assert.deepEqual(
    userTable(files)({ name: 'ann2' }),
    { uid: 7, gid: 71, groups: [] },
    'read again from the start',
  );
  assert.equal(userTable(undefined)({ uid: 0 }), undefined);
});
