// SPDX-License-Identifier: MIT

import { readFileSync } from 'node:fs';
import * as v from 'valibot';
import { because, EXIT, NinefoldError, printable } from '../base/error.ts';
import { issueWords } from '../policy/issue-words.ts';
import { parseName } from '../policy/name.ts';
import { parseSource, type Source } from '../transport/source.ts';

/** How the agent of a machine is reached. `local`: it is this machine. */
export type Address =
  | { kind: 'local' }
  | Extract<Source, { kind: 'exec' | 'ssh' | 'unix' | 'vsock' | 'hybrid-vsock' }>;

export interface MachineConfig {
  readonly name: string;
  /** undefined: it has nothing to share, and only asks. */
  readonly address?: Address;
  /** Requests that come in by this socket are this machine's. */
  readonly socket?: string;
  /** Requests of this user on the broker's own socket are this machine's. */
  readonly uid?: number;
  /** Requests of this context id on the broker's vsock port are this machine's. */
  readonly cid?: number;
  readonly disposable: boolean;
  /** For rules about calls: `@tag:NAME`. */
  readonly tags: readonly string[];
}

export interface BrokerConfig {
  /** What this machine is called, as source and as target: requests of the broker's own user are its. */
  readonly self: string;
  readonly machines: ReadonlyMap<string, MachineConfig>;
  /** The vsock port where machines with a `cid` come in. */
  readonly vsock?: number;
  /** The folder of the rules about calls, absolute. */
  readonly policy?: string;
  /** A shell's command that asks the person. */
  readonly ask?: string;
  /** Seconds that a person has to answer. */
  readonly patience: number;
}

const MACHINE = v.strictObject({
  address: v.exactOptional(v.string()),
  socket: v.exactOptional(v.pipe(v.string(), v.startsWith('/', 'it is no absolute path'))),
  uid: v.exactOptional(v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(0xffff_fffe))),
  cid: v.exactOptional(
    v.pipe(
      v.number(),
      v.integer('it is no whole number'),
      v.minValue(1, 'a machine has a context id from 1 on'),
      v.maxValue(0xffff_fffe, 'the greatest context id is 4294967294'),
    ),
  ),
  disposable: v.exactOptional(v.boolean()),
  tags: v.exactOptional(v.array(v.pipe(v.string(), v.regex(/^[A-Za-z0-9_-]{1,64}$/, 'it is no tag')))),
});
const CONFIG = v.strictObject({
  self: v.exactOptional(v.string()),
  machines: v.exactOptional(v.record(v.string(), MACHINE)),
  vsock: v.exactOptional(
    v.pipe(
      v.number(),
      v.integer('it is no whole number'),
      v.minValue(1, 'the least vsock port is 1'),
      v.maxValue(0xffff_fffe, 'the greatest vsock port is 4294967294'),
    ),
  ),
  policy: v.exactOptional(v.pipe(v.string(), v.startsWith('/', 'it is no absolute path'))),
  ask: v.exactOptional(v.pipe(v.string(), v.minLength(1, 'it is empty'))),
  patience: v.exactOptional(v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(3600))),
});

export const ADDRESS_FORMS: readonly (readonly [form: string, meaning: string])[] = [
  ['exec:COMMAND', 'a command that runs "ninefold agent" there; the call is added as its last words'],
  ['ssh://[USER@]HOST[:PORT]/', 'ninefold on a host reached by ssh'],
  ['unix:PATH', 'the socket of "ninefold agent --listen unix:PATH"'],
  ['vsock:CID:PORT', 'a virtual machine with "ninefold agent --listen vsock:PORT"'],
  ['hybrid-vsock:SOCKET:PORT', 'the same behind the socket of Firecracker or cloud-hypervisor'],
  ['local', 'this machine, under another name'],
];

export const DEFAULT_CONFIG: BrokerConfig = { self: 'host', machines: new Map(), patience: 60 };

/** A file or folder, and whether somebody wrote its name down: then it must be there, because without it other rules would hold than the person thinks. */
export interface Place {
  readonly path: string;
  readonly named: boolean;
}

/** Reads the configuration; a file that nobody has named may be absent. Throws NinefoldError BROKER_CONFIG (exit 78), which names file, line and remedy. */
export function readConfig({ path, named }: Place): BrokerConfig {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    const { code, errno } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' && !named) return DEFAULT_CONFIG;
    const remedy = code === 'ENOENT' ? 'make it, or name another' : 'make it readable';
    throw wrong(path, undefined, because(errno ?? 5), remedy, error);
  }
  return parseConfig(path, text);
}

export function parseConfig(path: string, text: string): BrokerConfig {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (error) {
    const { message } = error as Error;
    const at = /position ([0-9]+)/.exec(message)?.[1];
    const line = at === undefined ? undefined : text.slice(0, Number(at)).split('\n').length;
    throw wrong(path, line, `it is no JSON (${message})`, 'mend the syntax', error);
  }
  const parsed = v.safeParse(CONFIG, json);
  if (!parsed.success) {
    const issue = parsed.issues[0];
    const keys = (issue.path ?? []).map((part) => String(part.key));
    const where = keys.length === 0 ? '' : `"${keys.join('.')}": `;
    throw wrong(
      path,
      lineOf(text, keys),
      `${where}${issueWords(issue)}`,
      'see ninefold(1), "ninefold broker"',
    );
  }
  const {
    self = DEFAULT_CONFIG.self,
    machines = {},
    vsock,
    policy,
    ask,
    patience = DEFAULT_CONFIG.patience,
  } = parsed.output;
  checkName(path, text, ['self'], self);
  const found = new Map<string, MachineConfig>();
  for (const [name, entry] of Object.entries(machines)) {
    checkName(path, text, ['machines', name], name);
    if (name === self)
      throw wrong(path, lineOf(text, ['machines', name]), `"${name}" is this machine`, 'choose another name');
    const { address, disposable = false, tags = [], ...more } = entry;
    const machine: MachineConfig = {
      name,
      disposable,
      tags,
      ...more,
      ...(address === undefined ? {} : { address: parseAddress(path, text, name, address) }),
    };
    checkChannels(path, text, machine, found.values());
    found.set(name, machine);
  }
  return {
    self,
    machines: found,
    patience,
    ...(vsock === undefined ? {} : { vsock }),
    ...(policy === undefined ? {} : { policy }),
    ...(ask === undefined ? {} : { ask }),
  };
}

/** Each channel is one machine's: else it would be told by chance who calls. */
function checkChannels(
  path: string,
  text: string,
  machine: MachineConfig,
  others: Iterable<MachineConfig>,
): void {
  const { name, address, cid } = machine;
  const refuse = (key: string, why: string, remedy: string): NinefoldError =>
    wrong(path, lineOf(text, ['machines', name, key]), why, remedy);
  for (const other of others)
    for (const key of ['socket', 'uid', 'cid'] as const)
      if (machine[key] !== undefined && machine[key] === other[key])
        throw refuse(key, `"${other.name}" has the ${key} of "${name}"`, 'give each machine its own');
  if (address?.kind === 'vsock' && cid !== undefined && cid !== address.cid)
    throw refuse('cid', `"${name}" has another context id in its address`, 'write the same one in both');
}

/** Beginnings of sources that `ninefold mount` takes for something else. */
const KINDS: readonly string[] = ['unix', 'tcp', 'vsock', 'hybrid-vsock', 'ssh', 'exec', 'fd'];

function checkName(path: string, text: string, keys: readonly string[], name: string): void {
  const parsed = parseName(name);
  const why = !parsed.ok
    ? parsed.why
    : KINDS.includes(name)
      ? 'it is the beginning of an address'
      : undefined;
  if (why !== undefined)
    throw wrong(path, lineOf(text, keys), `"${printable(name)}": ${why}`, 'choose another name');
}

function parseAddress(path: string, text: string, name: string, address: string): Address {
  if (address === 'local') return { kind: 'local' };
  const forms = `write one of ${ADDRESS_FORMS.map(([form]) => form).join(', ')}`;
  const line = lineOf(text, ['machines', name, 'address']);
  let source: Source;
  try {
    source = parseSource(address);
  } catch (error) {
    throw wrong(path, line, `the address of "${name}": ${(error as NinefoldError).why}`, forms, error);
  }
  if (source.kind === 'ssh' && source.path !== '/')
    throw wrong(path, line, `the address of "${name}" has a path`, 'end it with the first slash');
  if (source.kind !== 'tcp' && source.kind !== 'fd') return source;
  throw wrong(path, line, `the address of "${name}": an agent cannot be reached by ${source.kind}`, forms);
}

/** Where the last of the keys stands, each looked for behind the one before; undefined when one is not found. */
function lineOf(text: string, keys: readonly string[]): number | undefined {
  let at = 0;
  for (const key of keys) {
    const found = text.indexOf(JSON.stringify(key), at);
    if (found < 0) break;
    at = found;
  }
  return at === 0 ? undefined : text.slice(0, at).split('\n').length;
}

function wrong(
  path: string,
  line: number | undefined,
  why: string,
  remedy: string,
  cause?: unknown,
): NinefoldError {
  return new NinefoldError({
    code: 'BROKER_CONFIG',
    exit: EXIT.config,
    what: 'cannot use the configuration',
    on: `${printable(path)}${line === undefined ? '' : `, line ${line}`}`,
    why: printable(why),
    remedy,
    cause,
  });
}
