// SPDX-License-Identifier: MIT
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { agentPaths, pathOfHex, rawPaths } from '../../src/cli/copy/raw-paths.ts';

const cmdline =
  (...words: string[]) =>
  (): Uint8Array =>
    Buffer.from(words.map((word) => `${word}\0`).join(''), 'latin1');
const hex = (paths: readonly (string | Uint8Array)[]): string[] =>
  paths.map((path) => (typeof path === 'string' ? path : Buffer.from(path).toString('latin1')));

test('arguments get their bytes back, each its own; what was text stays text', () => {
  const never = (): Uint8Array => assert.fail('there is nothing to look up');
  assert.deepEqual(rawPaths(['a', 'ñ'], never), ['a', 'ñ']);
  const line = cmdline('node', 'copy', 'a', 'caf\xe9/', 'caf\xe8', '\xef\xbf\xbd', 'box');
  assert.deepEqual(hex(rawPaths(['a', 'caf\ufffd', 'caf\ufffd', '\ufffd'], line)), [
    'a',
    'caf\xe9',
    'caf\xe8',
    '\ufffd',
  ]);
  assert.deepEqual(rawPaths([Buffer.from('b'), 'caf\ufffd'], line).map(String), ['b', 'caf\ufffd']);
  assert.deepEqual(rawPaths(['gone\ufffd'], cmdline('node')), ['gone\ufffd']);
});

test('the agent is told of them in a form that any argument can have', () => {
  assert.deepEqual(agentPaths(['a', '--x']), ['--', 'a', '--x']);
  const told = agentPaths(['a', '--move', Buffer.from('caf\xe9', 'latin1'), 'b']);
  assert.deepEqual(told, ['a', '--path-hex=2d2d6d6f7665', '--path-hex=636166e9', 'b']);
  assert.deepEqual(
    told.map((word) => Buffer.from(pathOfHex(word) ?? word).toString('latin1')),
    ['a', '--move', 'caf\xe9', 'b'],
  );
  for (const word of ['a', '--path-hex=', '--path-hex=6', '--path-hex=zz'])
    assert.equal(pathOfHex(word), undefined, word);
});
