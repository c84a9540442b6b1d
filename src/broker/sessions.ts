// SPDX-License-Identifier: MIT

import { readdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import * as v from 'valibot';
import { isFree, type Lock, type LockSys, tryLock } from './lock.ts';
import { makeOwned, writeOwned } from './owned.ts';
import { type Traffic, trafficOf } from './traffic-line.ts';

const ID = /^[0-9a-f]{8}$/;

/** A folder that is in use now. */
const SESSION = v.object({
  id: v.pipe(v.string(), v.regex(ID)),
  source: v.string(),
  target: v.string(),
  folder: v.string(),
  access: v.picklist(['ro', 'rw']),
  /** The rule that allowed it; one for once is gone by now. */
  rule: v.string(),
  once: v.boolean(),
  /** When it ends at the latest, for a grant until a time; ms since 1970. */
  until: v.exactOptional(v.number()),
  since: v.number(),
  /** The process that keeps it, as it knows itself: in a namespace of its own another may have that number. */
  pid: v.pipe(v.number(), v.integer(), v.minValue(1)),
});
export type Session = v.InferOutput<typeof SESSION>;

/**
 * The sessions of this machine, one small file each in a folder of the broker's user. Whoever keeps a session writes its file, holds the lock on it, looks for the order to end it, and takes
 * both away. The lock goes with the process, and is seen from other namespaces and by other users, which a process id is not.
 */
export class Sessions {
  readonly #dir: string;
  readonly #sys: LockSys;
  /** Of those that this process keeps. */
  readonly #locks = new Map<string, Lock>();

  /** The folder is made. */
  constructor(dir: string, sys: LockSys) {
    makeOwned(dir);
    this.#dir = dir;
    this.#sys = sys;
  }

  /** Again with the same id: what has changed of it. Throws Node's errors. */
  add(session: Omit<Session, 'pid'>): Session {
    const whole: Session = { ...session, pid: process.pid };
    const file = this.#file(session.id, 'json');
    // Before it has its name: whoever finds it finds it held.
    const lock = tryLock(this.#sys, `${file}.new`);
    try {
      writeOwned(`${file}.new`, JSON.stringify(whole));
      renameSync(`${file}.new`, file);
    } catch (error) {
      lock?.release();
      throw error;
    }
    this.#locks.get(session.id)?.release();
    if (lock !== undefined) this.#locks.set(session.id, lock);
    return whole;
  }

  remove(id: string): void {
    for (const kind of ['json', 'end', 'traffic', 'json.new', 'traffic.new'])
      rmSync(this.#file(id, kind), { force: true });
    this.#locks.get(id)?.release();
    this.#locks.delete(id);
  }

  /** Orders a session to end; its keeper does it. */
  end(id: string, why: string): void {
    writeOwned(this.#file(id, 'end'), why);
  }

  /** Why it is to end; undefined: it may go on. */
  order(id: string): string | undefined {
    try {
      return readFileSync(this.#file(id, 'end'), 'utf8');
    } catch {
      return undefined;
    }
  }

  /** Writes down what has gone through it so far. Throws Node's errors. */
  tellTraffic(id: string, traffic: Traffic): void {
    const file = this.#file(id, 'traffic');
    writeOwned(`${file}.new`, JSON.stringify(traffic));
    renameSync(`${file}.new`, file);
  }

  /** What its server says has gone through it; undefined: it says nothing, or an older one does not know how. */
  traffic(id: string): Traffic | undefined {
    try {
      return trafficOf(JSON.parse(readFileSync(this.#file(id, 'traffic'), 'utf8')));
    } catch {
      return undefined;
    }
  }

  /** Those whose keeper still runs, the oldest first. What others have left behind is taken away. */
  list(): Session[] {
    const found: Session[] = [];
    const names = readdirSync(this.#dir);
    for (const name of names) {
      // An order that came when the session was over already.
      if (/\.(?:end|traffic)$/.test(name) && !names.includes(name.replace(/[a-z]+$/, 'json')))
        rmSync(join(this.#dir, name), { force: true });
      const id = name.replace(/\.json$/, '');
      if (!name.endsWith('.json') || !ID.test(id)) continue;
      const session = this.#read(id);
      if (session === undefined) continue;
      if (isFree(this.#sys, this.#file(id, 'json'))) this.remove(id);
      else found.push(session);
    }
    return found.sort((a, b) => a.since - b.since);
  }

  #read(id: string): Session | undefined {
    try {
      const parsed = v.safeParse(SESSION, JSON.parse(readFileSync(this.#file(id, 'json'), 'utf8')));
      return parsed.success && parsed.output.id === id ? parsed.output : undefined;
    } catch {
      // It went away while we looked.
      return undefined;
    }
  }

  #file(id: string, kind: string): string {
    return join(this.#dir, `${id}.${kind}`);
  }
}
