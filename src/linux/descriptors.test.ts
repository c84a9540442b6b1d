// SPDX-License-Identifier: MIT
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { growTable } from './descriptors.ts';

/** The size of this process's table of descriptors (proc_pid_status(5)). */
const tableSize = (): number =>
  Number(/^FDSize:\s+(\d+)$/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1]);

test('a table of descriptors grows once for all, and nothing more is open then', async () => {
  const before = readdirSync('/proc/self/fd').length;
  assert.ok(tableSize() < 5000);
  growTable(0, 5000);
  for (const end = performance.now() + 10_000; tableSize() < 5000 && performance.now() < end; )
    await sleep(5);
  assert.ok(tableSize() >= 5000, `room for ${tableSize()}`);
  const open = (): number => readdirSync('/proc/self/fd').length;
  for (const end = performance.now() + 10_000; open() > before && performance.now() < end; ) await sleep(5);
  assert.equal(open(), before);
});

test('beyond the limit of open files the table stays as it is', () => {
  const module = JSON.stringify(new URL('./descriptors.js', import.meta.url).href);
  const code = `
    const { readFileSync } = require('node:fs');
    import(${module}).then(({ growTable }) => {
      growTable(0, 5000);
      process.on('exit', () => console.log(/FDSize:\\s+(\\d+)/.exec(readFileSync('/proc/self/status', 'utf8'))[1]));
    });`;
  const r = spawnSync('prlimit', ['--nofile=1000:1000', '--', process.execPath, '-e', code], {
    encoding: 'utf8',
  });
  assert.equal(r.status, 0, r.stderr);
  assert.ok(Number(r.stdout) < 1024, r.stdout);
});
