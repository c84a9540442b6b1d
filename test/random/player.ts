// SPDX-License-Identifier: MIT

import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Known } from './generate.ts';
import type { Quirks, Step } from './steps.ts';
import { difference, wholeTree } from './tree.ts';
import { SKIPPED, World } from './world.ts';

/** Where one run takes place. */
export interface Places {
  /** The folder under test, once for each client. */
  roots: readonly string[];
  /** The local folder. */
  model: string;
  /** What is shared, seen without a client. */
  share: string | undefined;
}

/** Steps that change nothing, not even an offset. */
const QUESTIONS: ReadonlySet<string> = new Set([
  'stat',
  'fstat',
  'list',
  'listxattr',
  'getxattr',
  'readlink',
  'readAll',
  'pread',
  'mapRead',
]);

/** Does each step to the folder under test and to a local one, and compares all that can be seen. */
export class Player {
  private readonly there: World;
  private readonly here: World;
  private readonly share: Buffer | undefined;
  private readonly quirks: Quirks;
  private lastClient = 0;
  /** Whole trees compared so far. */
  compared = 0;

  /** Makes the folder `name` in each of the places and works there. */
  constructor(places: Places, name: string, quirks: Quirks) {
    mkdirSync(join(places.model, name));
    mkdirSync(join(places.roots[0] as string, name));
    this.quirks = quirks;
    // The others have to notice that it was made.
    this.settle();
    this.there = new World(
      places.roots.map((r) => join(r, name)),
      quirks.readsOnce,
    );
    this.here = new World([join(places.model, name)]);
    this.share = places.share === undefined ? undefined : Buffer.from(join(places.share, name));
  }

  /** What differs after `step`, or undefined. `known` is told what worked. */
  do(step: Step, known?: Known): string | undefined {
    const client = step.client ?? 0;
    if (client !== this.lastClient) this.settle();
    this.lastClient = client;
    if (step.do === 'compare') return this.compare();
    if (step.do === 'copy' && this.quirks.looksBeforeCopy) {
      const differs = this.do({ do: 'fstat', h: step.from, client });
      if (differs !== undefined) return differs;
    }
    const wanted = this.here.do(step);
    let got = this.there.do(step);
    if (wanted !== got && QUESTIONS.has(step.do) && this.waitForUnseen()) got = this.there.do(step);
    if (step.do === 'rename' && got === 'ESTALE' && this.quirks.clients > 1) {
      // A folder that another client moved: rename(2) holds s_vfs_rename_mutex while it looks the name up, and __d_unalias (fs/dcache.c) gives up without it. After a look it knows.
      this.there.do({ do: 'stat', path: step.path, client });
      this.there.do({ do: 'stat', path: step.to, client });
      got = this.there.do(step);
    }
    if (!/^E[A-Z0-9]+$/.test(wanted) && wanted !== SKIPPED) known?.note(step);
    if (wanted === got) return undefined;
    return `local: ${wanted.slice(0, 2000)}\nthere: ${got.slice(0, 2000)}`;
  }

  compare(): string | undefined {
    this.compared++;
    this.settle();
    const differs = this.compareNow();
    return differs !== undefined && this.waitForUnseen() ? this.compareNow() : differs;
  }

  private compareNow(): string | undefined {
    const wanted = wholeTree(this.here.roots[0] as Buffer);
    for (const [i, root] of this.there.roots.entries()) {
      const differs = difference(wanted, wholeTree(root));
      if (differs !== undefined) return this.there.roots.length > 1 ? `client ${i}\n${differs}` : differs;
    }
    const differs = this.share && difference(wanted, wholeTree(this.share));
    return differs === undefined ? undefined : `in the shared folder itself\n${differs}`;
  }

  /** Before a remount, and at the end. */
  closeAll(): void {
    this.here.closeAll();
    this.there.closeAll();
  }

  private settle(): void {
    if (this.quirks.clients > 1) pause(this.quirks.settleMs);
  }

  /** What differs among several clients is a difference if it still is one after this; false where there is nothing to wait for. */
  private waitForUnseen(): boolean {
    const { unseenMs } = this.quirks;
    if (unseenMs === 0) return false;
    pause(unseenMs);
    return true;
  }
}

const pause = (ms: number): void => {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
};
