// SPDX-License-Identifier: MIT

import {
  closeSync,
  constants,
  fstatSync,
  fsyncSync,
  readFileSync,
  readSync,
  renameSync,
  statSync,
} from 'node:fs';
import { join } from 'node:path';
import { type LockSys, tryLock } from './lock.ts';
import { openOwned, writeWhole } from './owned.ts';
import type { Traffic } from './traffic-line.ts';

/** What happened, as one line of JSON. `why` is a sentence for a person; the other members are for programs. */
export interface AuditEntry {
  readonly event: 'request' | 'decision' | 'refused' | 'connection' | 'end' | 'change' | 'flood' | 'damage';
  readonly source?: string;
  readonly target?: string;
  readonly folder?: string;
  readonly access?: string;
  /** What was asked for where it was no folder: `SERVICE` or `SERVICE+ARGUMENT`. */
  readonly service?: string;
  readonly result?: string;
  readonly rule?: string;
  readonly session?: string;
  readonly count?: number;
  /** Of a session that has ended: what went through it, as its server said. */
  readonly traffic?: Traffic;
  readonly why?: string;
}
export interface AuditLine extends AuditEntry {
  /** ISO 8601, UTC. */
  readonly time: string;
}

/** Beyond this the log begins anew; so many old ones are kept. */
const SIZE_MAX = 8 * 1024 * 1024;
const KEPT = 4;

/** The files of the log, the present one first, whether they are there or not. */
export const auditFiles = (path: string): string[] => [
  path,
  ...Array.from({ length: KEPT }, (_, i) => `${path}.${i + 1}`),
];

/** The append-only log beside the store: `audit.jsonl`; each line is one write and is on the disk when `write` returns. */
export class Audit {
  readonly path: string;
  readonly #sys: LockSys;
  readonly #now: () => number;

  constructor(dir: string, sys: LockSys, now: () => number) {
    this.path = join(dir, 'audit.jsonl');
    this.#sys = sys;
    this.#now = now;
  }

  /** Throws Node's errors: what cannot be written down must not be granted. */
  write(entry: AuditEntry): void {
    const fd = openOwned(this.path, constants.O_RDWR | constants.O_APPEND);
    try {
      const { size } = fstatSync(fd);
      const last = Buffer.alloc(1, '\n');
      if (size > 0) readSync(fd, last, 0, 1, size - 1);
      // A line that a crash cut short stays one line.
      const begin = last[0] === 0x0a ? '' : '\n';
      const line = { time: new Date(this.#now()).toISOString(), ...entry };
      // On a full disk, half a line may be what there was room for: then it is not written down, and the next one begins on a line of its own.
      writeWhole(fd, `${begin}${JSON.stringify(line)}\n`);
      fsyncSync(fd);
      if (size > SIZE_MAX) this.#turn();
    } finally {
      closeSync(fd);
    }
  }

  /** The lines of the present file, the oldest first, and how many are no JSON. */
  read(): { lines: AuditLine[]; damaged: number } {
    let text = '';
    try {
      text = readFileSync(this.path, 'utf8');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    }
    const lines: AuditLine[] = [];
    let damaged = 0;
    for (const line of text.split('\n')) {
      if (line === '') continue;
      try {
        lines.push(JSON.parse(line) as AuditLine);
      } catch {
        damaged++;
      }
    }
    return { lines, damaged };
  }

  /** Begins the log anew, if it is still too large: many writers may find that at once. */
  #turn(): void {
    const held = tryLock(this.#sys, `${this.path}.lock`);
    if (held === undefined) return;
    try {
      const now = statSync(this.path, { throwIfNoEntry: false });
      if (now === undefined || now.size <= SIZE_MAX) return;
      for (let i = KEPT - 1; i >= 1; i--) renameQuietly(`${this.path}.${i}`, `${this.path}.${i + 1}`);
      renameQuietly(this.path, `${this.path}.1`);
    } finally {
      held.release();
    }
  }
}

function renameQuietly(from: string, to: string): void {
  try {
    renameSync(from, to);
  } catch {
    // There is none yet.
  }
}
