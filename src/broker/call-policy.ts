// SPDX-License-Identifier: MIT

import { readdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { because, EXIT, NinefoldError, printable } from '../base/error.ts';
import {
  type CallMachine,
  type CallRule,
  firstRule,
  type PlainCall,
  parseCallRules,
} from '../policy/call-rules.ts';
import type { Place } from './config.ts';

/** What the rules about calls say to one. `why`: the rule's place, for the log. */
export type Verdict =
  | { readonly kind: 'refuse'; readonly why: string }
  | { readonly kind: 'allow' | 'ask'; readonly target: string; readonly user?: string; readonly why: string };

/** As the last lines of all: what is asked about where nobody has written a rule. */
const BUILT_IN = `qubes.Filecopy * @anyvm @anyvm ask
qubes.OpenInVM * @anyvm @anyvm ask
ruddo.AuthorizeFolderAccess * @anyvm @adminvm allow
ruddo.ConnectToFolder * @anyvm @anyvm allow
`;
/** The names of files that qrexec reads; any other ending in .policy stops all calls there, and here. */
const FILE_NAME = /^[0-9a-z_.-]+\.policy$/;
const DEPTH_MAX = 8;
const SIZE_MAX = 1 << 20;

/**
 * The files `*.policy` of a folder, in the order of their names, the first rule that fits wins: as qrexec's policy.d. Read anew when one has changed. A folder that is not there has no rules,
 * unless somebody has named it; a file that cannot be read or understood stops every call, with NinefoldError CALL_POLICY (exit 78), because what it denies is not known.
 */
export class CallPolicy {
  readonly #dir: string;
  readonly #mayMiss: boolean;
  #stamp = '';
  #rules: readonly CallRule[] = [];
  /** Files that others include, so that a change of one is seen. */
  #included: string[] = [];

  constructor({ path, named }: Place) {
    this.#dir = path;
    this.#mayMiss = !named;
  }

  /** How many rules there are, without the built-in ones. Throws CALL_POLICY. */
  get count(): number {
    return this.#load().length;
  }

  /** Throws CALL_POLICY. */
  decide(call: PlainCall, machine: (name: string) => CallMachine | undefined): Verdict {
    const known = call.target.startsWith('@') || call.target === 'dom0' || machine(call.target) !== undefined;
    const plain = known ? call : { ...call, target: '@default' };
    const rule = firstRule([...this.#load(), ...builtIn()], plain, machine);
    if (rule === undefined) return { kind: 'refuse', why: 'no rule is about it' };
    if (rule.action === 'deny') return { kind: 'refuse', why: `denied by ${rule.from}` };
    const { params, action } = rule;
    const named = plain.target === '@default' && action === 'ask' ? params.default_target : undefined;
    const target = params.target ?? named ?? plain.target;
    if (target.startsWith('@') && target !== '@adminvm')
      return {
        kind: 'refuse',
        why:
          target === '@default'
            ? 'no machine is named, or none of that name is known'
            : 'there are no disposables',
      };
    if (target === call.source) return { kind: 'refuse', why: 'it asks itself' };
    const user = params.user === undefined ? {} : { user: params.user };
    return { kind: action, target: target === '@adminvm' ? 'dom0' : target, why: rule.from, ...user };
  }

  #load(): readonly CallRule[] {
    const files = this.#files(this.#dir, this.#mayMiss);
    const stamp = [...files, ...this.#included].map(stampOf).join('\n');
    if (stamp === this.#stamp) return this.#rules;
    this.#included = [];
    const rules = files.flatMap((file) => this.#read(file, 0));
    this.#rules = rules;
    this.#stamp = [...files, ...this.#included].map(stampOf).join('\n');
    return rules;
  }

  #files(dir: string, mayMiss: boolean): string[] {
    let names: string[];
    try {
      names = readdirSync(dir);
    } catch (error) {
      if (mayMiss && (error as NodeJS.ErrnoException).code === 'ENOENT') return [];
      throw wrong(dir, because((error as NodeJS.ErrnoException).errno ?? 5), error);
    }
    const found = names.filter((name) => name.endsWith('.policy') && !name.startsWith('.'));
    const odd = found.find((name) => !FILE_NAME.test(name));
    if (odd !== undefined)
      throw wrong(join(dir, odd), 'a name has small letters, digits, "_", "." and "-" alone');
    return found
      .sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)))
      .map((name) => join(dir, name));
  }

  #read(file: string, depth: number): CallRule[] {
    if (depth > DEPTH_MAX) throw wrong(file, 'files include each other');
    let text: string;
    try {
      if (statSync(file).size > SIZE_MAX) throw wrong(file, `it is larger than ${SIZE_MAX} bytes`);
      text = readFileSync(file, 'utf8');
    } catch (error) {
      if (error instanceof NinefoldError) throw error;
      throw wrong(file, because((error as NodeJS.ErrnoException).errno ?? 5), error);
    }
    const parsed = parseCallRules(file, text);
    if (!parsed.ok) throw wrong(file, parsed.why.slice(file.length + 1));
    return parsed.value.flatMap((item) => {
      if (!('include' in item)) return [item];
      const path = resolve(dirname(file), item.path);
      const files = item.include === 'dir' ? this.#files(path, false) : [path];
      this.#included.push(...files, ...(item.include === 'dir' ? [path] : []));
      return files.flatMap((f) => this.#read(f, depth + 1));
    });
  }
}

function builtIn(): CallRule[] {
  const parsed = parseCallRules('built in', BUILT_IN);
  return parsed.ok ? parsed.value.filter((item): item is CallRule => !('include' in item)) : [];
}

function stampOf(path: string): string {
  const s = statSync(path, { bigint: true, throwIfNoEntry: false });
  return s === undefined ? path : `${path} ${s.ino} ${s.size} ${s.mtimeNs} ${s.ctimeNs}`;
}

/** `why` may begin with the number of a line. */
function wrong(file: string, why: string, cause?: unknown): NinefoldError {
  const [, line, rest] = /^([0-9]+): (.*)$/s.exec(why) ?? [];
  return new NinefoldError({
    code: 'CALL_POLICY',
    exit: EXIT.config,
    what: 'cannot use the policy',
    on: `${printable(file)}${line === undefined ? '' : `, line ${line}`}`,
    why: printable(rest ?? why),
    remedy: 'mend it; until then every call is refused ("ninefold broker --check" looks at it)',
    cause,
  });
}
