// SPDX-License-Identifier: MIT
// A real vsock, with the kernel's own idea of who is at the other end: vsock_loopback in a guest, where every program is context id 1.

import assert from 'node:assert/strict';
import { OUT, program, TOP } from '../helpers/places.ts';
import { runInGuest } from './boot.ts';
import { kernelIsThere, noGuest } from './kernel.ts';

/** Why it cannot be tried here; false: it can. */
export const noVsock: string | false =
  noGuest() ??
  (process.env.CI || kernelIsThere()
    ? false
    : 'no guest kernel yet: `node dist/test/guest/main.js -- true` fetches it');

/** $1: Node, $2: the program `ninefold`. What the work does not expect ends it. */
const PRELUDE = `
set -eu
export T=/tmp
cd $T
fail() { echo "failed: $*" >&2; tail -n 20 $T/*.log >&2; exit 1; }
# The words that a program says once it is there.
wait_for() { i=0; until grep -q "$2" "$1" 2>/dev/null; do i=$((i+1)); [ $i -lt 300 ] || fail "$1 does not say $2"; sleep 0.1; done; }
gone() { i=0; while ls "$1" >/dev/null 2>&1; do i=$((i+1)); [ $i -lt 100 ] || fail "$1 is still there"; sleep 0.1; done; }
mkdir -m 700 run policy; mkdir share m; echo world >share/hello; head -c 3000000 /dev/urandom >big
export NINEFOLD_RUNTIME_DIR=$T/run NINEFOLD_POLICY_DIR=$T/policy NINEFOLD_BROKER_CONFIG=$T/broker.json
ninefold() { "$NODE" --no-warnings "$NINEFOLD" "$@"; }
# For what runs beside: $! is the program itself then.
becomes() { exec "$NODE" --no-warnings "$NINEFOLD" "$@"; }
NODE=$1 NINEFOLD=$2
`;

/** Runs `work` (sh) in a guest; it must say these lines, one a step, and nothing else. */
export async function inVsockGuest(work: string, lines: readonly string[]): Promise<void> {
  let [out, err] = ['', ''];
  const code = await runInGuest({
    command: ['sh', '-c', PRELUDE + work, 'sh', process.execPath, program('ninefold')],
    cwd: '/',
    show: [TOP, OUT],
    limitMs: 285_000,
    stdout: (b) => (out += b.toString()),
    stderr: (b) => (err += b.toString()),
  });
  assert.deepEqual([code, out.trim().split('\n'), err], [0, lines, '']);
}
