// SPDX-License-Identifier: MIT

import { test } from 'node:test';
import { inVsockGuest, noVsock } from './vsock.ts';

const WORK = String.raw`
cp big share/big
export NINEFOLD_SANDBOX=none NINEFOLD_INCOMING=$T/incoming; mkdir incoming
becomes agent --listen vsock:5642 --broker-cid 1 2>agent.log & agent=$!
echo '{"self":"desk","vsock":5641,"machines":{"vm":{"address":"vsock:1:5642","cid":1}}}' >broker.json
NINEFOLD_ASK='cat >$T/question.json; echo "{\"version\":1,\"answer\":\"allow\"}"' becomes broker --log-level debug 2>broker.log & broker=$!
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

# A vsock as the standard input and output of programs that are not ours alone.
NINEFOLD_BROKER=vsock:1:5641 ninefold copy big desk 2>copy.log || fail "$(cat copy.log)"
cmp big incoming/big; rm incoming/big
ninefold copy big vm 2>copy.log || fail "$(cat copy.log)"
cmp big incoming/big
echo 'files sent both ways'
kill $agent $broker; wait $agent $broker || true
`;

test(
  'vsock in a guest: an agent, and a broker that knows a machine by its context id; folders and files both ways',
  {
    skip: noVsock,
  },
  () =>
    inVsockGuest(WORK, [
      'an agent reached by vsock, and revoked',
      'a machine known by its context id',
      'files sent both ways',
    ]),
);
