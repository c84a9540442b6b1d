// SPDX-License-Identifier: MIT
// Runs a command in a guest whose QEMU has -fsdev proxy, with our virtfs-proxy-helper or Debian's, on a folder of the host.
//
//   node dist/test/guest/proxy-main.js --helper ours|original [--way socket|sock_fd] [--path DIR] [--options MOUNT-OPTIONS] [--seconds N] -- COMMAND [ARGUMENT]…
//
// The export is mounted at /run/proxy. Without --path it is an empty folder that is removed afterwards. Tells the CPU time of the helper on
// stderr and exits with the command's code; 69 when the run broke down, 64 on usage.

import { chmodSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { OUT, TOP } from '../helpers/places.ts';
import { noGuest } from './kernel.ts';
import { noOriginal, runWithProxy } from './proxy.ts';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    helper: { type: 'string', default: 'ours' },
    way: { type: 'string', default: 'socket' },
    path: { type: 'string' },
    options: { type: 'string' },
    seconds: { type: 'string', default: '300' },
  },
});
const { helper, way } = values;
if (
  positionals.length === 0 ||
  (helper !== 'ours' && helper !== 'original') ||
  (way !== 'socket' && way !== 'sock_fd')
) {
  process.stderr.write('usage: see the head of proxy-main.ts\n');
  process.exit(64);
}
const missing = noGuest() ?? (helper === 'original' ? noOriginal() : undefined);
if (missing !== undefined) {
  process.stderr.write(`guest: ${missing}\n`);
  process.exit(69);
}
const scratch = mkdtempSync(join(tmpdir(), 'ninefold-proxy-'));
// Other users of the guest must be able to go in.
const empty = join(scratch, 'export');
for (const dir of [scratch, empty]) {
  mkdirSync(dir, { recursive: true });
  chmodSync(dir, 0o755);
}
const stop = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => stop.abort());
try {
  const result = await runWithProxy({
    helper,
    way,
    path: values.path ?? empty,
    scratch,
    ...(values.options === undefined ? {} : { options: values.options }),
    job: {
      command: positionals,
      cwd: '/',
      show: [TOP, OUT],
      env: { NINEFOLD_SLOWNESS: '12' },
      limitMs: Number(values.seconds) * 1000,
      stdout: (b) => process.stdout.write(b),
      stderr: (b) => process.stderr.write(b),
      signal: stop.signal,
    },
  });
  process.stderr.write(
    `${helper}: ${(result.cpuNs / 1e6).toFixed(1)} ms of CPU, ended with ${result.ended}\n${result.words}`,
  );
  process.exitCode = result.code;
} catch (error) {
  process.stderr.write(`${(error as Error).message}\n`);
  process.exitCode = 69;
} finally {
  rmSync(scratch, { recursive: true, force: true });
}
