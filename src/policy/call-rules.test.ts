// SPDX-License-Identifier: MIT
// Rules about calls, against what the fact sheet of qrexec says of its policy files.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type CallMachine, type CallRule, firstRule, parseCallRules } from './call-rules.ts';

const MACHINES: Readonly<Record<string, CallMachine>> = {
  work: { disposable: false, tags: ['office'] },
  vault: { disposable: false, tags: [] },
  disp1: { disposable: true, tags: ['office'] },
};
const machine = (name: string): CallMachine | undefined =>
  Object.hasOwn(MACHINES, name) ? MACHINES[name] : undefined;

function rules(text: string): CallRule[] {
  const parsed = parseCallRules('f', text);
  assert.ok(parsed.ok, parsed.ok ? '' : parsed.why);
  return parsed.value.filter((item): item is CallRule => !('include' in item));
}

test('lines that are none of the syntax, each named by its number', () => {
  const wrong: readonly (readonly [string, RegExp])[] = [
    ['s * a b', /f:1: a rule has/],
    ['# c\n\n  \ns * a b maybe', /^f:4: "maybe" is no action/],
    ['s/x * a b allow', /no service/],
    ['* +x a b allow', /of all services/],
    ['s x a b allow', /no argument/],
    ['s +x/y a b allow', /no argument/],
    ['s * @default b allow', /no source/],
    ['s * @dispvm b allow', /no source/],
    ['s * uuid:1 b allow', /no source/],
    ['s * a @nothing allow', /no target/],
    ['s * a @type:Qube allow', /no target/],
    ['s * a b allow # c', /no parameter/],
    ['s * a b allow target', /no parameter/],
    ['s * a b allow default_target=c', /allow has no default_target/],
    ['s * a b deny user=me', /deny has no user/],
    ['s * a b allow user=me user=me', /twice/],
    ['s * a b allow user=../x', /nothing for user/],
    ['s * a b allow notify=maybe', /nothing for notify/],
    ['s * a b ask target=@anyvm', /nothing for target/],
    ['s * a @default allow', /needs target=/],
    ['!include', /takes one path/],
    ['!include a b', /takes one path/],
    ['!compat-4.0', /takes one path/],
    ['!include-service * * f', /takes one path/],
    ['!compat-4.0 x', /there is no !compat-4.0/],
  ];
  for (const [text, why] of wrong) {
    const parsed = parseCallRules('f', text);
    assert.ok(!parsed.ok, text);
    assert.match(parsed.why, why, text);
  }
});

test('lines that are', () => {
  const text = `s * a b allow
\ts\t+x\ta\tb  deny notify=no
s + @tag:t @dispvm:@tag:t ask target=@dispvm:c default_target=dom0 user=_apt autostart=no notify=yes
* * * * deny
s * @type:DispVM @default ask
s * dom0 @adminvm allow
!include include/x
!include-dir d`;
  const parsed = parseCallRules('f', text);
  assert.ok(parsed.ok, parsed.ok ? '' : parsed.why);
  assert.deepEqual(
    parsed.value.map((item) => item.from),
    ['f:1', 'f:2', 'f:3', 'f:4', 'f:5', 'f:6', 'f:7', 'f:8'],
  );
  assert.deepEqual(parsed.value[6], { from: 'f:7', include: 'file', path: 'include/x' });
});

/** Rule; call as "service argument source target"; whether it is about it. */
const MATCHES: readonly (readonly [string, string, boolean])[] = [
  ['s * work vault allow', 's + work vault', true],
  ['s * work vault allow', 's +x work vault', true],
  ['s + work vault allow', 's +x work vault', false],
  ['s +x work vault allow', 's +x work vault', true],
  ['s +x work vault allow', 's + work vault', false],
  ['t * work vault allow', 's + work vault', false],
  ['* * * * allow', 's +y vault dom0', true],
  ['s * @anyvm @anyvm allow', 's + work dom0', false],
  ['s * @anyvm @anyvm allow', 's + dom0 work', false],
  ['s * @anyvm @anyvm ask', 's + work @default', true],
  ['s * @anyvm @default ask', 's + work @default', true],
  ['s * @anyvm @default ask', 's + work vault', false],
  ['s * work @adminvm allow', 's + work dom0', true],
  ['s * work dom0 allow', 's + work @adminvm', true],
  ['s * work @type:AdminVM allow', 's + work dom0', true],
  ['s * @tag:office vault allow', 's + work vault', true],
  ['s * @tag:office vault allow', 's + vault work', false],
  ['s * @tag:office work allow', 's + vault work', false],
  ['s * work @tag:office allow', 's + work vault', false],
  ['s * @tag:office @tag:office allow', 's + work disp1', true],
  ['s * @type:DispVM * deny', 's + disp1 vault', true],
  ['s * @type:DispVM * deny', 's + work vault', false],
  ['s * @type:AppVM * deny', 's + work vault', true],
  ['s * * @tag:office deny', 's + work constructor', false],
];

test('what a rule is about', () => {
  for (const [rule, call, is] of MATCHES) {
    const [service = '', argument = '', source = '', target = ''] = call.split(' ');
    const found = firstRule(rules(rule), { service, argument, source, target }, machine);
    assert.equal(found !== undefined, is, `${rule} / ${call}`);
  }
});

test('the first that fits wins', () => {
  const all = rules('s * work vault deny\ns * @anyvm @anyvm allow\ns * work vault allow');
  const call = { service: 's', argument: '+', source: 'work', target: 'vault' };
  assert.equal(firstRule(all, call, machine)?.from, 'f:1');
  assert.equal(firstRule(all, { ...call, target: 'disp1' }, machine)?.from, 'f:2');
});
