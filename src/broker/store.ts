// SPDX-License-Identifier: MIT

import { existsSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { because, EXIT, NinefoldError, printable } from '../base/error.ts';
import { Book } from '../policy/book.ts';
import { swept } from '../policy/change.ts';
import type { Sha256 } from '../policy/fingerprint.ts';
import { migrate } from '../policy/legacy.ts';
import { formatPolicy, linesOf, parsePolicy } from '../policy/lines.ts';
import type { Rule } from '../policy/rule.ts';
import type { StoreFiles } from './files.ts';
import { type LockSys, lock } from './lock.ts';
import { formatStore, parseStore } from './store-text.ts';

/** How long a change waits for another to be done; each takes milliseconds. */
const PATIENCE_MS = 10_000;

export interface StoreDeps {
  readonly sys: LockSys;
  readonly files: StoreFiles;
  readonly sha256: Sha256;
  /** Milliseconds since 1970. */
  now(): number;
  newId(): string;
  /** Gets what a person should know: a migration, a repair. */
  note(line: string): void;
}

/**
 * The rules on the disk: `policy.json` in a folder of their own, the version before it as `policy.json.previous`, and, where there is qrexec, its policy
 * file. A change holds a lock and replaces whole files, in an order in which the policy never grants more than the store says, wherever it is cut short:
 * first the lines go that are to go, then the store changes, then the lines come that are to come.
 */
export class PolicyStore {
  readonly dir: string;
  readonly path: string;
  readonly previous: string;
  readonly policyFile: string | undefined;
  readonly #deps: StoreDeps;
  #cache: { stamp: string; rules: readonly Rule[] } | undefined;
  #book: Book | undefined;

  /** `dir` must exist. `policyFile`: qrexec's, where there is one. */
  constructor(dir: string, policyFile: string | undefined, deps: StoreDeps) {
    this.dir = dir;
    this.path = join(dir, 'policy.json');
    this.previous = join(dir, 'policy.json.previous');
    this.policyFile = policyFile;
    this.#deps = deps;
  }

  /**
   * The rules as they stand. Throws NinefoldError STORE_DAMAGED (exit 78): then nothing is allowed, and nothing may be written but by `restore`.
   */
  load(): Book {
    const rules = this.#read();
    if (this.#book?.rules !== rules) this.#book = new Book(rules);
    return this.#book;
  }

  /** Changes when the rules do. */
  stamp(): string {
    return stampOf(this.path);
  }

  /**
   * Gives `change` the rules that have not run out and stores what it returns, with the policy beside it; what it throws changes nothing. Throws NinefoldError STORE_DAMAGED,
   * POLICY_DAMAGED, STORE_FAILED (78) or STORE_BUSY (69).
   */
  async change<T>(
    change: (rules: readonly Rule[], now: number) => { readonly rules: readonly Rule[]; readonly result: T },
  ): Promise<T> {
    return this.#locked(() => {
      const now = this.#deps.now();
      const before = this.#read();
      const { rules, result } = change(swept(before, now), now);
      if (rules !== before) this.#replace(rules, now);
      else this.#follow(rules, now);
      return result;
    });
  }

  /**
   * Makes the policy file what the store says (after a crash, when grants have run out), and takes over the original's policy.db if there is no store yet. To be called
   * at each start.
   */
  async repair(): Promise<void> {
    await this.#locked(() => {
      this.#takeOver();
      const now = this.#deps.now();
      const before = this.#read();
      const rules = swept(before, now);
      if (rules !== before) this.#replace(rules, now);
      else this.#follow(rules, now);
    });
  }

  /**
   * Puts the previous version in the place of a damaged store, and says how many rules it has. Throws NinefoldError STORE_WHOLE (64) where none is damaged: it would take the last change back, a denial say;
   * STORE_DAMAGED if the previous one is damaged too or not there.
   */
  async restore(): Promise<number> {
    return this.#locked(() => {
      if (this.#isWhole()) throw whole(this.path);
      const text = this.#deps.files.read(this.previous);
      const parsed = text === undefined ? undefined : parseStore(this.#deps.sha256, text);
      if (parsed === undefined || !parsed.ok)
        throw damaged(
          this.previous,
          parsed === undefined ? 'there is none' : parsed.why,
          `move ${printable(this.path)}${parsed === undefined ? '' : ` and ${printable(this.previous)}`} away to begin anew: every grant, denial and block is forgotten then`,
        );
      const now = this.#deps.now();
      const rules = swept(parsed.value, now);
      this.#deps.files.write(`${this.path}.new`, formatStore(this.#deps.sha256, rules), this.path);
      // Nothing may be granted in between that the one does not say, nor the other.
      this.#writePolicy([]);
      this.#deps.files.rename(`${this.path}.new`, this.path);
      this.#deps.files.syncFolder(this.dir);
      this.#follow(rules, now);
      return rules.length;
    });
  }

  #read(): readonly Rule[] {
    const stamp = stampOf(this.path);
    if (this.#cache !== undefined && this.#cache.stamp === stamp) return this.#cache.rules;
    let text: string | undefined;
    try {
      text = this.#deps.files.read(this.path);
    } catch (error) {
      throw failed(this.path, error);
    }
    if (text === undefined) {
      if (this.#deps.files.read(this.previous) === undefined) return [];
      throw damaged(this.path, 'it is gone, though there was one', RESTORE);
    }
    const parsed = parseStore(this.#deps.sha256, text);
    if (!parsed.ok) throw damaged(this.path, parsed.why, RESTORE);
    // Only what cannot have changed while it was read.
    if (stamp !== '' && stampOf(this.path) === stamp) this.#cache = { stamp, rules: parsed.value };
    return parsed.value;
  }

  #isWhole(): boolean {
    try {
      this.#read();
      return true;
    } catch {
      return false;
    }
  }

  #missing(): boolean {
    return (
      this.#deps.files.read(this.path) === undefined && this.#deps.files.read(this.previous) === undefined
    );
  }

  /** The original's policy.db, once: what was revoked since must not come back with it when the list is begun anew. */
  #takeOver(): void {
    const path = join(this.dir, 'policy.db');
    const mark = `${path}.taken-over`;
    if (!existsSync(path)) return;
    const missing = this.#missing();
    if (existsSync(mark)) {
      const again = `is not taken over a second time; remove ${printable(mark)} if it is to be`;
      if (missing) this.#deps.note(`${printable(path)} ${again}`);
      return;
    }
    if (missing) this.#migrate(path);
    const { files } = this.#deps;
    files.write(`${mark}.new`, 'Its decisions are in policy.json.\n', path);
    files.rename(`${mark}.new`, mark);
    files.syncFolder(this.dir);
  }

  #migrate(path: string): void {
    const text = this.#deps.files.read(path);
    if (text === undefined) return;
    const migrated = migrate(text, this.#deps.now(), this.#deps.newId);
    if (!migrated.ok)
      throw damaged(path, migrated.why, 'mend it, or move it away to begin without its decisions');
    this.#replace(migrated.value.rules, this.#deps.now());
    this.#deps.note(`took over ${migrated.value.rules.length} decisions from ${printable(path)}`);
    for (const note of migrated.value.notes) this.#deps.note(printable(note));
  }

  #replace(rules: readonly Rule[], now: number): void {
    const { files, sha256 } = this.#deps;
    const wanted = linesOf(sha256, rules, now);
    const keep = new Set(wanted);
    const present = this.#policyLines();
    if (present?.some((line) => !keep.has(line)) === true)
      this.#writePolicy(present.filter((line) => keep.has(line)));
    if (files.read(this.path) !== undefined) {
      files.link(this.path, `${this.previous}.new`);
      files.rename(`${this.previous}.new`, this.previous);
    }
    files.write(`${this.path}.new`, formatStore(sha256, rules), this.path);
    files.rename(`${this.path}.new`, this.path);
    files.syncFolder(this.dir);
    this.#follow(rules, now);
  }

  /** The policy file, if it says anything else than the rules do. */
  #follow(rules: readonly Rule[], now: number): void {
    const present = this.#policyLines();
    const wanted = linesOf(this.#deps.sha256, rules, now);
    if (this.policyFile === undefined || present?.join('\n') === wanted.join('\n')) return;
    this.#writePolicy(wanted);
  }

  /** undefined: there is no such file. */
  #policyLines(): string[] | undefined {
    if (this.policyFile === undefined) return undefined;
    const text = this.#deps.files.read(this.policyFile);
    if (text === undefined) return undefined;
    const parsed = parsePolicy(text);
    if (!parsed.ok)
      throw new NinefoldError({
        code: 'POLICY_DAMAGED',
        exit: EXIT.config,
        what: 'will not touch',
        on: printable(this.policyFile),
        why: parsed.why,
        remedy: 'move that line into a policy file of your own; until then nothing is granted',
      });
    return parsed.value;
  }

  #writePolicy(lines: readonly string[]): void {
    if (this.policyFile === undefined) return;
    const folder = dirname(this.policyFile);
    // Hidden, and no name that ends in ".policy": qrexec must not read it.
    const temporary = join(folder, '.ninefold.new');
    this.#deps.files.write(temporary, formatPolicy(lines), this.policyFile);
    this.#deps.files.rename(temporary, this.policyFile);
    this.#deps.files.syncFolder(folder);
  }

  async #locked<T>(work: () => T): Promise<T> {
    const held = await lock(this.#deps.sys, join(this.dir, 'policy.lock'), PATIENCE_MS);
    if (held === undefined)
      throw new NinefoldError({
        code: 'STORE_BUSY',
        exit: EXIT.unavailable,
        what: 'cannot change',
        on: printable(this.path),
        why: `another program has held its lock for ${PATIENCE_MS / 1000} s`,
        remedy: 'look for a ninefold that hangs',
      });
    try {
      return work();
    } catch (error) {
      throw error instanceof Error && 'syscall' in error ? failed(this.path, error) : error;
    } finally {
      held.release();
    }
  }
}

const RESTORE =
  'nothing is granted until it is mended; "ninefold policy restore" brings the previous version back';

function stampOf(path: string): string {
  const s = statSync(path, { bigint: true, throwIfNoEntry: false });
  return s === undefined ? '' : `${s.dev} ${s.ino} ${s.mtimeNs} ${s.ctimeNs} ${s.size}`;
}

function damaged(path: string, why: string, remedy: string): NinefoldError {
  return new NinefoldError({
    code: 'STORE_DAMAGED',
    exit: EXIT.config,
    what: 'the list of rules is damaged:',
    on: printable(path),
    why,
    remedy,
  });
}

function whole(path: string): NinefoldError {
  return new NinefoldError({
    code: 'STORE_WHOLE',
    exit: EXIT.usage,
    what: 'will not restore',
    on: printable(path),
    why: 'it is not damaged, and the version before it lacks the last change',
    remedy: 'use "ninefold policy revoke" or "put" to change it',
  });
}

function failed(path: string, error: unknown): NinefoldError {
  return new NinefoldError({
    code: 'STORE_FAILED',
    exit: EXIT.config,
    what: 'cannot read or write',
    on: printable(path),
    why: because((error as NodeJS.ErrnoException).errno ?? 5),
    remedy: 'check the folder and the disk; nothing was granted',
    cause: error,
  });
}
