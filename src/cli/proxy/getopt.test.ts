// SPDX-License-Identifier: MIT
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { getopt } from './getopt.ts';
import { PROXY_OPTIONS, proxySettings, USAGE } from './options.ts';

const given = (...args: string[]): Record<string, string> | string => {
  const r = getopt(args, PROXY_OPTIONS);
  return 'complaint' in r ? r.complaint : Object.fromEntries(r.given);
};

test('options in every form of getopt_long(3)', () => {
  assert.deepEqual(given('-p', '/x', '-f3'), { path: '/x', fd: '3' });
  assert.deepEqual(given('-np/x'), { nodaemon: '', path: '/x' });
  assert.deepEqual(given('--path=/x', '--fd', '3', '--nodaemon'), { path: '/x', fd: '3', nodaemon: '' });
  assert.deepEqual(given('--pa', '/x', '--so=y', '--no'), { path: '/x', socket: 'y', nodaemon: '' });
  assert.deepEqual(given('--no-d', '--rea', '--s', 'x'), { 'no-devices': '', 'read-only': '', socket: 'x' });
  assert.deepEqual(given('word', '-p', '-f', '-', '--', '-n'), { path: '-f' });
  assert.deepEqual(given('-p', 'a', '-p', 'b'), { path: 'b' });
  assert.deepEqual(given('-?'), { help: '' });
});

test("complaints in the C library's words", () => {
  assert.equal(given('-x'), "invalid option -- 'x'");
  assert.equal(given('--bogus'), "unrecognized option '--bogus'");
  assert.equal(given('-p'), "option requires an argument -- 'p'");
  assert.equal(given('--path'), "option '--path' requires an argument");
  assert.equal(given('--nodaemon=1'), "option '--nodaemon' doesn't allow an argument");
});

test('settings', () => {
  assert.deepEqual(proxySettings(['-p', '/x', '-s', 'y', '-u', '5', '-g', '6'], 'h'), {
    path: '/x',
    socket: { path: 'y', uid: 5, gid: 6 },
    daemon: true,
    readOnly: false,
    devices: true,
    sandbox: 'auto',
  });
  assert.deepEqual(
    proxySettings(['-p', '/x', '-f', '3', '-n', '--read-only', '--no-devices', '--sandbox', 'chroot'], 'h'),
    { path: '/x', socket: { fd: 3 }, daemon: false, readOnly: true, devices: false, sandbox: 'chroot' },
  );
  for (const [args, line] of [
    [['-p', '/x', '-f', '3x'], '--fd "3x" is not a number from 0 to 2147483647'],
    [['-p', '/x', '-s', 'y', '-u', '-1', '-g', '0'], '--uid "-1" is not a number from 0 to 4294967294'],
    [['-p', '/x', '-f', '3', '--sandbox', 'no'], '--sandbox "no" is none of auto, bwrap, chroot'],
  ] as const)
    assert.deepEqual(proxySettings(args, 'h'), { lines: [line, ...USAGE], status: 1 });
});
