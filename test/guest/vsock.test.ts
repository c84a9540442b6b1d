// SPDX-License-Identifier: MIT
// A real vsock, with the kernel's own idea of who is at the other end: vsock_loopback in a guest, where every program is context id 1.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { OUT, program, TOP } from '../helpers/places.ts';
import { runInGuest } from './boot.ts';
import { kernelIsThere, noGuest } from './kernel.ts';

const reason =
  noGuest() ??
  (process.env.CI || kernelIsThere()
    ? undefined
    : 'no guest kernel yet: `node dist/test/guest/main.js -- true` fetches it');

/** $1: what runs `ninefold`. Says a line for each step; what it did not expect ends it. */
const WORK = String.raw`
set -eu
export T=/tmp
cd $T
fail() { echo "failed: $*" >&2; tail -n 20 $T/*.log >&2; exit 1; }
# The words that a program says once it is there.
wait_for() { i=0; until grep -q "$2" "$1" 2>/dev/null; do i=$((i+1)); [ $i -lt 300 ] || fail "$1 does not say $2"; sleep 0.1; done; }
gone() { i=0; while ls "$1" >/dev/null 2>&1; do i=$((i+1)); [ $i -lt 100 ] || fail "$1 is still there"; sleep 0.1; done; }
mkdir -m 700 run policy; mkdir share m; echo world >share/hello
export NINEFOLD_RUNTIME_DIR=$T/run NINEFOLD_POLICY_DIR=$T/policy NINEFOLD_BROKER_CONFIG=$T/broker.json
ninefold() { "$NODE" --no-warnings "$NINEFOLD" "$@"; }
# For what runs beside: $! is the program itself then.
becomes() { exec "$NODE" --no-warnings "$NINEFOLD" "$@"; }
NODE=$1 NINEFOLD=$2

becomes serve $T/share --listen vsock:5640 2>serve.log & server=$!
# It says nothing while all is well.
i=0; until ninefold mount vsock:1:5640 m >/dev/null 2>mount.log; do i=$((i+1)); [ $i -lt 10 ] || fail "$(cat mount.log)"; done
[ "$(cat m/hello)" = world ] || fail no world
head -c 3000000 /dev/urandom >big; cp big m/big; cmp big share/big
ninefold unmount m >/dev/null; kill $server; wait $server || true
echo 'served and mounted by vsock'

export NINEFOLD_SANDBOX=none
becomes agent --listen vsock:5642 --broker-cid 1 2>agent.log & agent=$!
echo '{"self":"desk","vsock":5641,"machines":{"vm":{"address":"vsock:1:5642","cid":1}}}' >broker.json
NINEFOLD_ASK='cat >$T/question.json; echo "{\"version\":1,\"answer\":\"allow\",\"lasts\":\"always\"}"' becomes broker --log-level debug 2>broker.log & broker=$!
wait_for agent.log 'listening on vsock:5642'
wait_for broker.log 'and vsock port 5641'
ninefold mount vm:$T/share m >/dev/null
[ "$(cat m/hello)" = world ] || fail no world of the agent
grep -q '"source":"desk"' question.json || fail "$(cat question.json)"
cmp big m/big
ninefold policy revoke --target vm >/dev/null
gone m; ninefold unmount m >/dev/null
echo 'an agent reached by vsock, and revoked'

NINEFOLD_BROKER=vsock:1:5641 ninefold mount desk:$T/share m >/dev/null
[ "$(cat m/hello)" = world ] || fail no world of the desk
grep -q '"source":"vm"' question.json || fail "$(cat question.json)"
cmp big m/big
ninefold unmount m >/dev/null
wait_for policy/audit.jsonl '"the client closed it"'
echo 'a machine known by its context id'
kill $agent $broker; wait $agent $broker || true

# Nobody it knows, and an agent that is for the host alone.
becomes agent --listen vsock:5642 2>agent.log & agent=$!
echo '{"self":"desk","vsock":5641,"machines":{"vm":{"address":"vsock:1:5642"},"other":{"cid":7}}}' >broker.json
NINEFOLD_ASK='echo "{\"version\":1,\"answer\":\"allow\"}"' becomes broker --log-level debug 2>broker.log & broker=$!
wait_for agent.log 'listening on vsock:5642'
wait_for broker.log 'and vsock port 5641'
s=0; NINEFOLD_BROKER=vsock:1:5641 ninefold mount desk:$T/share m 2>refused.log || s=$?
[ $s = 69 ] || fail "status $s: $(cat refused.log)"
grep -q 'lost the broker at vsock:1:5641' refused.log || fail "$(cat refused.log)"
wait_for broker.log 'closed a connection of context id 1'
s=0; ninefold mount vm:$T/share m 2>refused.log || s=$?
[ $s = 125 ] || fail "status $s: $(cat refused.log)"
wait_for agent.log 'refused a connection of context id 1'
kill $agent $broker; wait $agent $broker || true
echo 'strangers refused'
`;

test('vsock in a guest: serve and mount; a broker that knows a machine by its context id, and its agent; strangers', {
  skip: reason ?? false,
}, async () => {
  let [out, err] = ['', ''];
  const code = await runInGuest({
    command: ['sh', '-c', WORK, 'sh', process.execPath, program('ninefold')],
    cwd: '/',
    show: [TOP, OUT],
    limitMs: 280_000,
    stdout: (b) => (out += b.toString()),
    stderr: (b) => (err += b.toString()),
  });
  assert.deepEqual(
    [code, out.trim().split('\n'), err],
    [
      0,
      [
        'served and mounted by vsock',
        'an agent reached by vsock, and revoked',
        'a machine known by its context id',
        'strangers refused',
      ],
      '',
    ],
  );
});
