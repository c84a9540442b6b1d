// SPDX-License-Identifier: MIT
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import fc from 'fast-check';
import { quote, remoteCommand, SSH_DEFAULTS, sshArgv } from './ssh.ts';

test('a quoted word comes out of the shell as it went in', () => {
  const word = fc.string({ unit: 'binary', maxLength: 30 }).filter((w) => !w.includes('\0') && w !== '');
  const words = fc.sample(word, 200);
  // Those that a shell would like best.
  words.push("it's", '$(id)', '`id`', '\\', "\\'", '*', '~', '-n', 'a\nb', '!!', '"', '#x', '{a,b}', ' ');
  const script = `printf '%s\\0' ${words.map(quote).join(' ')}`;
  const run = spawnSync('/bin/sh', ['-c', script], { encoding: 'utf8' });
  assert.deepEqual(run.stdout.split('\0').slice(0, -1), words);
});

test('the other end gets one folder, whatever its name', () => {
  assert.equal(remoteCommand('/srv/x', SSH_DEFAULTS), 'ninefold serve --stdio -- /srv/x');
  assert.equal(remoteCommand('~', SSH_DEFAULTS), 'ninefold serve --stdio -- .');
  assert.equal(remoteCommand('~/-x', SSH_DEFAULTS), 'ninefold serve --stdio -- ./-x');
  assert.equal(
    remoteCommand('/a; rm -rf ~', { ...SSH_DEFAULTS, readOnly: true }),
    "ninefold serve --stdio --read-only -- '/a; rm -rf ~'",
  );
});

test('ssh gets the destination behind a --', () => {
  const argv = sshArgv({ kind: 'ssh', user: 'me', host: 'box', port: 2222, path: '/srv' }, SSH_DEFAULTS);
  assert.equal(argv[0], 'ssh');
  assert.deepEqual(argv.slice(argv.indexOf('-p')), [
    '-p',
    '2222',
    '-l',
    'me',
    '--',
    'box',
    'ninefold serve --stdio -- /srv',
  ]);
  assert.ok(argv.includes('ForwardAgent=no'));
});

test('a destination that ssh would take for an option is refused', () => {
  for (const bad of [{ host: '-oProxyCommand=id' }, { host: 'h', user: '-oProxyCommand=id' }, { host: '' }])
    assert.throws(() => sshArgv({ kind: 'ssh', path: '/', ...bad }, SSH_DEFAULTS), {
      code: 'SSH_DESTINATION',
      exit: 64,
    });
});
