// SPDX-License-Identifier: MIT

import { test } from 'node:test';
import { inVsockGuest, noVsock } from './vsock.ts';

const WORK = String.raw`
becomes serve $T/share --listen vsock:5640 2>serve.log & server=$!
# It says nothing while all is well.
i=0; until ninefold mount vsock:1:5640 m >/dev/null 2>mount.log; do i=$((i+1)); [ $i -lt 10 ] || fail "$(cat mount.log)"; done
[ "$(cat m/hello)" = world ] || fail no world
cp big m/big; cmp big share/big
ninefold unmount m >/dev/null; kill $server; wait $server || true
echo 'served and mounted by vsock'

export NINEFOLD_SANDBOX=none
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

test(
  'vsock in a guest: serve and mount; a broker refuses a context id that it does not know, and an agent all but its broker',
  {
    skip: noVsock,
  },
  () => inVsockGuest(WORK, ['served and mounted by vsock', 'strangers refused']),
);
