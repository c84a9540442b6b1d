// SPDX-License-Identifier: MIT
// Runs a command as root in a guest of its own: a Debian kernel, this system's files, an empty ext4 as /tmp.
//
//   node dist/test/guest/main.js [--seconds N] [--env NAME=VALUE]… -- COMMAND [ARGUMENT]…
//
// Exits with the command's code; 69 when the guest cannot be started or does not end in time, 64 on usage.

import { parseArgs } from 'node:util';
import { OUT, TOP } from '../helpers/places.ts';
import { runInGuest } from './boot.ts';
import { noGuest } from './kernel.ts';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    seconds: { type: 'string', default: '120' },
    env: { type: 'string', multiple: true, default: [] },
  },
});
const limitMs = Number(values.seconds) * 1000;
if (positionals.length === 0 || !(limitMs > 0)) {
  process.stderr.write('usage: main.js [--seconds N] [--env NAME=VALUE]… -- COMMAND [ARGUMENT]…\n');
  process.exit(64);
}
const missing = noGuest();
if (missing !== undefined) {
  process.stderr.write(`guest: ${missing}\n`);
  process.exit(69);
}
const stop = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => stop.abort());
try {
  process.exitCode = await runInGuest({
    command: positionals,
    cwd: process.cwd(),
    show: [TOP, OUT, process.cwd()],
    env: Object.fromEntries(values.env.map((e) => [e.slice(0, e.indexOf('=')), e.slice(e.indexOf('=') + 1)])),
    limitMs,
    stdout: (b) => process.stdout.write(b),
    stderr: (b) => process.stderr.write(b),
    signal: stop.signal,
  });
} catch (error) {
  process.stderr.write(`${(error as Error).message}\n`);
  process.exitCode = 69;
}
