// SPDX-License-Identifier: MIT

import { parseName } from './name.ts';
import { bad, good, type Parsed } from './parsed.ts';

/**
 * Rules about calls in the syntax of qrexec's policy files: `SERVICE|* +ARGUMENT|+|* SOURCE TARGET allow|ask|deny [PARAMETER=VALUE …]`. Source: qrexec's
 * doc/multifile-policy, and its parser. UUIDs and `!include-service`, `!compat-4.0` are of Qubes alone, and errors here.
 */
export interface CallRule {
  /** `FILE:LINE`, for whoever asks why. */
  readonly from: string;
  readonly service: string;
  /** `+TEXT`, or `*`. */
  readonly argument: string;
  readonly source: string;
  readonly target: string;
  readonly action: 'allow' | 'ask' | 'deny';
  readonly params: Readonly<Partial<Record<Parameter, string>>>;
}
export interface Include {
  readonly from: string;
  readonly include: 'file' | 'dir';
  readonly path: string;
}

const PARAMETERS = ['target', 'default_target', 'user', 'notify', 'autostart'] as const;
type Parameter = (typeof PARAMETERS)[number];
const ALLOWED: Readonly<Record<CallRule['action'], readonly Parameter[]>> = {
  allow: ['target', 'user', 'notify', 'autostart'],
  ask: ['target', 'default_target', 'user', 'notify', 'autostart'],
  deny: ['notify'],
};
const SERVICE = /^[A-Za-z0-9_.-]+$/;
const ARGUMENT = /^\+[A-Za-z0-9_.+-]*$/;
const USER = /^[a-z_][a-z0-9_-]{0,31}$/;
const TAG = /^[A-Za-z0-9_-]{1,64}$/;
const TYPES = ['AppVM', 'DispVM', 'AdminVM'];

/** One file's items in order, or the first line that makes no sense. */
export function parseCallRules(file: string, text: string): Parsed<(CallRule | Include)[]> {
  const items: (CallRule | Include)[] = [];
  for (const [i, raw] of text.split('\n').entries()) {
    const line = raw.trim();
    if (line === '' || line.startsWith('#')) continue;
    const from = `${file}:${i + 1}`;
    const item = line.startsWith('!') ? parseInclude(from, line) : parseRule(from, line);
    if (!item.ok) return bad(`${from}: ${item.why}`);
    items.push(item.value);
  }
  return good(items);
}

function parseInclude(from: string, line: string): Parsed<Include> {
  const [directive, path, ...more] = line.split(/[ \t]+/);
  if (path === undefined || more.length > 0) return bad(`${directive} takes one path`);
  if (directive === '!include') return good({ from, include: 'file', path });
  if (directive === '!include-dir') return good({ from, include: 'dir', path });
  return bad(`there is no ${directive} without Qubes`);
}

function parseRule(from: string, line: string): Parsed<CallRule> {
  const [service = '', argument = '', source, target, action, ...rest] = line.split(/[ \t]+/);
  if (source === undefined || target === undefined || action === undefined)
    return bad('a rule has a service, an argument, a source, a target and an action');
  if (service === '*' ? argument !== '*' : !SERVICE.test(service))
    return bad(service === '*' ? 'of all services, the argument is *' : `"${service}" is no service`);
  if (argument !== '*' && !ARGUMENT.test(argument))
    return bad(`"${argument}" is no argument: write +NAME, + or *`);
  if (!isSource(source)) return bad(`"${source}" is no source`);
  if (!isTarget(target)) return bad(`"${target}" is no target`);
  if (action !== 'allow' && action !== 'ask' && action !== 'deny')
    return bad(`"${action}" is no action: write allow, ask or deny`);
  const params: Partial<Record<Parameter, string>> = {};
  for (const word of rest) {
    const cut = word.indexOf('=');
    const name = word.slice(0, Math.max(0, cut)) as Parameter;
    const value = word.slice(cut + 1);
    if (!PARAMETERS.includes(name)) return bad(`"${word}" is no parameter`);
    if (!ALLOWED[action].includes(name)) return bad(`${action} has no ${name}=`);
    if (params[name] !== undefined) return bad(`${name}= is there twice`);
    if (!isValue(name, value)) return bad(`"${value}" is nothing for ${name}=`);
    params[name] = value;
  }
  if (action === 'allow' && target === '@default' && params.target === undefined)
    return bad('to allow a call of @default it needs target=');
  return good({ from, service, argument, source, target, action, params });
}

const isMachine = (token: string): boolean => token === 'dom0' || parseName(token).ok;
const isAdmin = (token: string): boolean => token === 'dom0' || token === '@adminvm';

function isSource(token: string): boolean {
  const [, kind = '', name = ''] = /^@(tag|type):(.*)$/.exec(token) ?? [];
  if (kind === 'tag') return TAG.test(name);
  if (kind === 'type') return TYPES.includes(name);
  return token === '*' || token === '@anyvm' || isAdmin(token) || isDisposable(token) || isMachine(token);
}

const isTarget = (token: string): boolean => token === '@default' || token === '@dispvm' || isSource(token);

function isDisposable(token: string): boolean {
  const [, of = ''] = /^@dispvm:(.*)$/.exec(token) ?? [];
  return parseName(of).ok || (of.startsWith('@tag:') && TAG.test(of.slice('@tag:'.length)));
}

function isValue(name: Parameter, value: string): boolean {
  if (name === 'user') return USER.test(value);
  if (name === 'notify' || name === 'autostart') return value === 'yes' || value === 'no';
  return isAdmin(value) || isMachine(value) || value === '@dispvm' || isDisposable(value);
}

/** What rules may ask about a machine. undefined: there is none of that name. */
export interface CallMachine {
  readonly disposable: boolean;
  readonly tags: readonly string[];
}

export interface PlainCall {
  readonly service: string;
  /** `+TEXT`; without one, `+`. */
  readonly argument: string;
  readonly source: string;
  /** A machine's name, `@default` for one that is not named or not known, or another `@…`. */
  readonly target: string;
}

/** The first rule that is about the call; undefined: none is. */
export function firstRule(
  rules: readonly CallRule[],
  call: PlainCall,
  machine: (name: string) => CallMachine | undefined,
): CallRule | undefined {
  const is = (token: string, name: string): boolean => matches(token, name, machine);
  return rules.find(
    (rule) =>
      (rule.service === '*' || rule.service === call.service) &&
      (rule.argument === '*' || rule.argument === call.argument) &&
      is(rule.source, call.source) &&
      is(rule.target, call.target),
  );
}

function matches(token: string, name: string, machine: (name: string) => CallMachine | undefined): boolean {
  if (token === '*') return true;
  if (isAdmin(name)) return isAdmin(token) || token === '@type:AdminVM';
  if (token === '@anyvm' || token === name) return true;
  const found = machine(name);
  if (found === undefined) return false;
  if (token.startsWith('@tag:')) return found.tags.includes(token.slice('@tag:'.length));
  return token === `@type:${found.disposable ? 'DispVM' : 'AppVM'}`;
}
