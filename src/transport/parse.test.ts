// SPDX-License-Identifier: MIT
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { EXIT, NinefoldError } from '../base/error.ts';
import { isLoopback } from './address.ts';
import { formatListen, type Listen, parseListen } from './listen.ts';
import { takeListenFds } from './listen-fds.ts';
import { formatSource, parseSource, type Source } from './source.ts';

const path = fc
  .string({ minLength: 1, maxLength: 40, unit: 'binary' })
  .filter((p) => !p.includes('\0') && new TextEncoder().encode(p).length <= 107);
const port = fc.integer({ min: 1, max: 65535 });
const vport = fc.integer({ min: 0, max: 0xffff_fffe });
const host = fc.oneof(
  fc.stringMatching(/^[A-Za-z0-9._][A-Za-z0-9._-]{0,20}$/),
  fc.ipV4(),
  fc.ipV6().filter((h) => /^[0-9a-fA-F:.]+$/.test(h)),
);
const optional = <T, K extends string>(key: K, arb: fc.Arbitrary<T>) =>
  fc.option(arb, { nil: undefined }).map((v) => (v === undefined ? {} : { [key]: v }) as { [P in K]?: T });
const sources: fc.Arbitrary<Source> = fc.oneof(
  path.map((p) => ({ kind: 'unix' as const, path: p })),
  fc.tuple(host, port).map(([h, p]) => ({ kind: 'tcp' as const, host: h, port: p })),
  fc.tuple(vport, vport).map(([cid, p]) => ({ kind: 'vsock' as const, cid, port: p })),
  fc.tuple(path, vport).map(([p, n]) => ({ kind: 'hybrid-vsock' as const, path: p, port: n })),
  fc
    .tuple(
      optional(
        'user',
        fc.stringMatching(/^[a-z_][a-z0-9_-]{0,10}$/).filter((u) => u !== ''),
      ),
      host,
      optional('port', port),
      fc.oneof(
        path.map((p) => `/${p}`),
        path.map((p) => `~/${p}`),
      ),
    )
    .map(([u, h, p, folder]) => ({ kind: 'ssh' as const, ...u, host: h, ...p, path: folder }) as Source)
    .filter((s) => s.kind === 'ssh' && !s.path.startsWith('/~')),
  path.filter((p) => p.trim() !== '').map((command) => ({ kind: 'exec' as const, command })),
  fc.tuple(fc.nat(), fc.nat()).map(([readFd, writeFd]) => ({ kind: 'fd' as const, readFd, writeFd })),
);

test('a source that was written out parses to the same value', () => {
  fc.assert(fc.property(sources, (s) => assert.deepEqual(parseSource(formatSource(s)), s)));
});

test('any text parses or gives SOURCE_SYNTAX in one line', () => {
  const text = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc
      .tuple(
        fc.constantFrom('unix:', 'tcp:', 'vsock:', 'hybrid-vsock:', 'ssh://', 'ssh:', 'exec:', 'fd:'),
        fc.string({ unit: 'binary' }),
      )
      .map((t) => t.join('')),
  );
  fc.assert(
    fc.property(text, (t) => {
      try {
        const source = parseSource(t);
        assert.deepEqual(parseSource(formatSource(source)), source);
      } catch (error) {
        assert.ok(error instanceof NinefoldError);
        assert.equal(error.code, 'SOURCE_SYNTAX');
        assert.equal(error.exit, EXIT.usage);
        assert.ok(!error.message.includes('\n') && !error.message.includes('\x1b'), 'one plain line');
      }
    }),
    { numRuns: 500 },
  );
});

for (const [text, value] of [
  ['unix:/run/9p.sock', { kind: 'unix', path: '/run/9p.sock' }],
  ['unix:a:b', { kind: 'unix', path: 'a:b' }],
  ['tcp:[::1]:564', { kind: 'tcp', host: '::1', port: 564 }],
  ['vsock:host:5640', { kind: 'vsock', cid: 2, port: 5640 }],
  ['vsock:local:5640', { kind: 'vsock', cid: 1, port: 5640 }],
  ['hybrid-vsock:/run/a:b.sock:52', { kind: 'hybrid-vsock', path: '/run/a:b.sock', port: 52 }],
  ['ssh://me@box:2222/srv/a b', { kind: 'ssh', user: 'me', host: 'box', port: 2222, path: '/srv/a b' }],
  ['ssh://box/~/work', { kind: 'ssh', host: 'box', path: '~/work' }],
  ['ssh://me@corp@[fe80::1]/', { kind: 'ssh', user: 'me@corp', host: 'fe80::1', path: '/' }],
  ['exec:nc host 1', { kind: 'exec', command: 'nc host 1' }],
  ['fd:3,4', { kind: 'fd', readFd: 3, writeFd: 4 }],
] as const)
  test(`${text} is understood`, () => assert.deepEqual(parseSource(text), value));

for (const [text, why] of [
  ['', /KIND/],
  ['/srv', /KIND/],
  ['nfs:host:/srv', /no kind "nfs"/],
  ['unix:', /missing/],
  [`unix:/${'x'.repeat(107)}`, /108 bytes .* at most 107/],
  ['unix:/a\0b', /NUL/],
  ['tcp:host', /port is missing/],
  ['tcp::564', /host is missing/],
  ['tcp:host:0', /1 to 65535/],
  ['tcp:host:65536', /1 to 65535/],
  ['tcp:host:+1', /1 to 65535/],
  ['tcp:::1:564', /brackets/],
  ['vsock:2', /port is missing/],
  ['vsock:4294967295:1', /4294967294/],
  ['vsock:2:1:1', /more than/],
  ['hybrid-vsock:/x.sock', /port is missing/],
  ['ssh://-oProxyCommand=x/p', /begin with "-"/],
  ['ssh://-l@host/p', /begin with "-"/],
  ['ssh://host', /path of the folder is missing/],
  ['ssh:host/p', /followed by/],
  ['ssh://ho st/p', /letters/],
  ['exec: ', /command is missing/],
  ['fd:3', /two descriptors/],
  ['fd:3,-1', /number from 0/],
  ['fd:3,4,5', /two descriptors/],
  ['fd:03,4', /number from 0/],
] as const)
  test(`${JSON.stringify(text.slice(0, 40))} is refused with the reason`, () =>
    assert.throws(() => parseSource(text), { code: 'SOURCE_SYNTAX', why }));

test('an address to listen on that was written out parses to the same value', () => {
  const listens: fc.Arbitrary<Listen> = fc.oneof(
    path.map((p) => ({ kind: 'unix' as const, path: p })),
    vport.map((p) => ({ kind: 'vsock' as const, port: p })),
    fc.tuple(host, port).map(([h, p]) => ({ kind: 'tcp' as const, host: h, port: p })),
    fc.constant({ kind: 'systemd' as const }),
  );
  fc.assert(fc.property(listens, (l) => assert.deepEqual(parseListen(formatListen(l), { anyTcp: true }), l)));
});

test('TCP that others can reach needs the flag', () => {
  assert.throws(() => parseListen('tcp:0.0.0.0:564', { anyTcp: false }), {
    code: 'LISTEN_NOT_LOOPBACK',
    exit: 64,
  });
  assert.throws(() => parseListen('tcp:[::]:564', { anyTcp: false }), { code: 'LISTEN_NOT_LOOPBACK' });
  // What a resolver would make of these is not known here: they are refused too.
  for (const host of ['127.0.0.1.example.org', '127.0.0.256', '0127.0.0.1', '2130706433'])
    assert.equal(isLoopback(host), false, host);
  for (const host of ['127.0.0.1', '127.255.0.9', 'localhost', '::1'])
    assert.equal(isLoopback(host), true, host);
  assert.deepEqual(parseListen('tcp:0.0.0.0:564', { anyTcp: true }), {
    kind: 'tcp',
    host: '0.0.0.0',
    port: 564,
  });
});

for (const [text, why] of [
  ['vsock:2:5640', /port only/],
  ['ssh://host/x', /cannot listen/],
  ['tcp:5640', /port is missing/],
  ['unix:', /missing/],
] as const)
  test(`listening on ${text} is refused with the reason`, () =>
    assert.throws(() => parseListen(text, { anyTcp: false }), { code: 'LISTEN_SYNTAX', exit: 64, why }));

test('sockets from systemd are taken by the process they are meant for, once', () => {
  const env = { LISTEN_PID: '42', LISTEN_FDS: '2', LISTEN_FDNAMES: 'a:b', HOME: '/' };
  assert.deepEqual(takeListenFds(env, 42), [3, 4]);
  assert.deepEqual(env, { HOME: '/' });
  assert.deepEqual(takeListenFds(env, 42), []);
  assert.deepEqual(takeListenFds({ LISTEN_PID: '41', LISTEN_FDS: '2' }, 42), []);
  for (const LISTEN_FDS of ['0', '-1', '65', '1e3', ''])
    assert.throws(() => takeListenFds({ LISTEN_PID: '42', LISTEN_FDS }, 42), {
      code: 'LISTEN_FDS',
      exit: 78,
    });
});
