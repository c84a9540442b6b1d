// SPDX-License-Identifier: MIT
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { scratch } from '../../test/helpers/places.ts';
import { NinefoldError } from '../base/error.ts';
import { parseConfig, readConfig } from './config.ts';

const parse = (config: object): ReturnType<typeof parseConfig> =>
  parseConfig('broker.json', JSON.stringify(config, undefined, 2));

test('a machine is known by its context id, and reached by vsock', () => {
  const config = parse({
    vsock: 5641,
    machines: {
      vm: { address: 'vsock:3:5642', cid: 3 },
      fire: { address: 'hybrid-vsock:/run/fc.sock:5642', socket: '/run/fc.sock_5641' },
    },
  });
  assert.equal(config.vsock, 5641);
  assert.deepEqual(config.machines.get('vm'), {
    name: 'vm',
    disposable: false,
    tags: [],
    cid: 3,
    address: { kind: 'vsock', cid: 3, port: 5642 },
  });
  assert.deepEqual(config.machines.get('fire')?.address, {
    kind: 'hybrid-vsock',
    path: '/run/fc.sock',
    port: 5642,
  });
});

const refusals: readonly (readonly [what: string, config: object, line: number, why: RegExp])[] = [
  [
    'the hypervisor',
    { machines: { vm: { cid: 0 } } },
    4,
    /"machines\.vm\.cid": a machine has a context id from 1 on/,
  ],
  ['any context id', { machines: { vm: { cid: 0xffff_ffff } } }, 4, /greatest context id is 4294967294/],
  ['half a context id', { machines: { vm: { cid: 3.5 } } }, 4, /no whole number/],
  [
    'a context id in words',
    { machines: { vm: { cid: '3' } } },
    4,
    /"machines\.vm\.cid": it must be a number/,
  ],
  ['any port', { vsock: 0xffff_ffff }, 2, /"vsock": the greatest vsock port is 4294967294/],
  ['no port', { vsock: 0 }, 2, /"vsock": the least vsock port is 1/],
  ['a context id twice', { machines: { a: { cid: 3 }, b: { cid: 3 } } }, 7, /"a" has the cid of "b"/],
  ['a user id twice', { machines: { a: { uid: 7 }, b: { uid: 7 } } }, 7, /"a" has the uid of "b"/],
  [
    'a socket twice',
    { machines: { a: { socket: '/s' }, b: { socket: '/s' } } },
    7,
    /"a" has the socket of "b"/,
  ],
  [
    'two context ids of one machine',
    { machines: { a: { address: 'vsock:4:1', cid: 3 } } },
    5,
    /"a" has another context id in its address/,
  ],
  [
    'an agent by TCP',
    { machines: { a: { address: 'tcp:[::1]:1' } } },
    4,
    /an agent cannot be reached by tcp/,
  ],
  [
    'a vsock address without a port',
    { machines: { a: { address: 'vsock:3' } } },
    4,
    /the vsock port is missing/,
  ],
];

for (const [what, config, line, why] of refusals)
  test(`refused, with file and line: ${what}`, () => {
    assert.throws(
      () => parse(config),
      (error) =>
        error instanceof NinefoldError &&
        error.code === 'BROKER_CONFIG' &&
        error.on === `broker.json, line ${line}` &&
        why.test(error.why),
    );
  });

test('a configuration that somebody has named must be there; the usual one need not', (t) => {
  const path = join(scratch(t, 'config'), 'nope.json');
  assert.equal(readConfig({ path, named: false }).machines.size, 0);
  assert.throws(() => readConfig({ path, named: true }), { code: 'BROKER_CONFIG', exit: 78 });
});
