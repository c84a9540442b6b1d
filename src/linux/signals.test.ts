// SPDX-License-Identifier: MIT

import assert from 'node:assert/strict';
import { constants } from 'node:os';
import { test } from 'node:test';
import { run } from '../../test/helpers/cli.ts';
import { notedOnce } from './signals.ts';

const { SIGALRM } = constants.signals;

test('a signal is noted where no listener can be called, and the listener hears of it later', async (t) => {
  let heard = 0;
  const listener = (): void => {
    heard++;
  };
  process.on('SIGALRM', listener);
  t.after(() => process.off('SIGALRM', listener));
  const noted = notedOnce(SIGALRM);
  assert.deepEqual([noted(), noted()], [false, false]);
  process.kill(process.pid, 'SIGALRM');
  assert.deepEqual([noted(), noted(), heard], [true, true, 0]);
  while (heard === 0) await new Promise(setImmediate);
  assert.equal(heard, 1);
});

test('the second one ends the process, though it is busy', async () => {
  const code = `const { notedOnce } = await import(${JSON.stringify(new URL('./signals.js', import.meta.url).href)});
    process.on('SIGALRM', () => {});
    const noted = notedOnce(${SIGALRM});
    process.kill(process.pid, 'SIGALRM');
    process.stdout.write(String(noted()));
    process.kill(process.pid, 'SIGALRM');
    for (;;);`;
  const { stdout, code: ended } = await run([process.execPath, '--input-type=module', '-e', code]);
  assert.deepEqual([stdout, ended], ['true', 'SIGALRM']);
});
