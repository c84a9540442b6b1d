// SPDX-License-Identifier: MIT

import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Tried } from './page.ts';
import type { Mutant } from './server-mutants.ts';

export const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');

/** What was tried, a file each in a folder: a run that was broken off goes on from there. */
export class Records {
  readonly #dir: string;

  constructor(dir: string) {
    this.#dir = dir;
  }

  /** What came of it when all that `digest` stands for was the same, if that was good. */
  good(mutant: Mutant, digest: string): Tried | undefined {
    const file = this.#file(mutant);
    if (!existsSync(file)) return undefined;
    const kept = JSON.parse(readFileSync(file, 'utf8')) as Omit<Tried, 'mutant'> & { digest: string };
    return kept.good && kept.digest === digest ? { ...kept, mutant } : undefined;
  }

  put(tried: Tried, digest: string): void {
    mkdirSync(this.#dir, { recursive: true });
    const file = this.#file(tried.mutant);
    const { verdict, good, removed, test, said } = tried;
    writeFileSync(`${file}.new`, JSON.stringify({ digest, verdict, good, removed, test, said }));
    renameSync(`${file}.new`, file);
  }

  #file(mutant: Mutant): string {
    return join(this.#dir, `${sha256(mutant.name).slice(0, 16)}.json`);
  }
}
