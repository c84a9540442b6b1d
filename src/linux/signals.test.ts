// SPDX-License-Identifier: MIT

import assert from 'node:assert/strict';
import { constants } from 'node:os';
import { test } from 'node:test';
import { run } from '../../test/helpers/cli.ts';
import { notedOnce } from './signals.ts';

const { SIGUSR2 } = constants.signals;

test('a signal is noted where no listener can be called, and the listener hears of it later', async (t) => {
  let heard = 0;
  const listener = (): void => {
    heard++;
  };
  process.on('SIGUSR2', listener);
  t.after(() => process.off('SIGUSR2', listener));
  const noted = notedOnce(SIGUSR2);
  assert.deepEqual([noted(), noted()], [false, false]);
  process.kill(process.pid, 'SIGUSR2');
  assert.deepEqual([noted(), noted(), heard], [true, true, 0]);
  while (heard === 0) await new Promise(setImmediate);
  assert.equal(heard, 1);
});

test('the second one ends the process, though it is busy', async () => {
  const code = `const { notedOnce } = await import(${JSON.stringify(new URL('./signals.js', import.meta.url).href)});
    process.on('SIGUSR2', () => {});
    const noted = notedOnce(${SIGUSR2});
    process.kill(process.pid, 'SIGUSR2');
    process.stdout.write(String(noted()));
    process.kill(process.pid, 'SIGUSR2');
    for (;;);`;
  const { stdout, code: ended } = await run([process.execPath, '--input-type=module', '-e', code]);
  assert.deepEqual([stdout, ended], ['true', 'SIGUSR2']);
});
