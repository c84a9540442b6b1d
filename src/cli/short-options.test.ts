// SPDX-License-Identifier: MIT

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type ClientWanted, parseClient } from './broker/client-options.ts';
import { parseUnpacker } from './copy/unpacker.ts';

test('qfile-unpacker: letters joined to each other and to their value', () => {
  const told = (...args: string[]): unknown => {
    const { settings, uid, dir } = parseUnpacker(args, {});
    return [settings.verbose, settings.keepFree, uid, dir];
  };
  for (const args of [['-vw5'], ['-w5', '-v'], ['-vw', '5'], ['-v', '-w', '5']]) {
    assert.deepEqual(told(...args), [true, 5, undefined, undefined], args.join(' '));
    assert.deepEqual(told('', '/in', ...args), [true, 5, undefined, '/in'], args.join(' '));
    assert.deepEqual(told('1000', '/in', ...args), [true, 5, 1000, '/in'], args.join(' '));
  }
  assert.deepEqual(told('1000', '/in', '-vw'), [true, 1, 1000, '/in']);
  assert.deepEqual(told('--', '', '-w5'), [false, 0, undefined, '-w5']);
  for (const args of [['-vx'], ['-w5v'], ['-w'], ['-w-1'], ['1000', '/in', '-wx'], ['1000', '/in', '-vx']])
    assert.throws(() => told(...args), { exit: 64 }, args.join(' '));
});

test('qrexec-client-vm: letters joined to each other and to their value', () => {
  const told = (...args: string[]): unknown => {
    const wanted = parseClient([...args, 'box', 'x', '-tT'], false);
    if (typeof wanted === 'string') return wanted;
    const { filter, prefix, socket, program }: ClientWanted = wanted;
    assert.deepEqual(program, ['-tT'], 'what follows the service is not ours');
    return [filter, prefix, socket];
  };
  assert.deepEqual(told('-tT'), [true, '', undefined]);
  assert.deepEqual(told('-pDATA'), [false, 'DATA', undefined]);
  assert.deepEqual(told('-Ttp', '-tT', '-a/s'), [true, '-tT', '/s']);
  assert.deepEqual(told('-tp\n--'), [true, '\n--', undefined]);
  assert.equal(told('-th'), 'help');
  assert.equal(told('-tx'), 'there is no option -x');
  assert.equal(parseClient(['-ta']), '-a needs a value');
});
