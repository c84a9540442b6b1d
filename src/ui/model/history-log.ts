// SPDX-License-Identifier: MIT

import { entryOf, type HistoryFilter, type HistoryRow } from './history.ts';
import { isObject } from './manager-call.ts';
import type { Translate } from './manager-words.ts';

/** Lines that are fetched at a time. */
export const PAGE_LINES = 5000;
/** Rows that a window keeps at the most. */
export const ROWS_MAX = 10_000;
/** With fewer than this in sight a filter makes the window look further back by itself. */
const ENOUGH = 40;

/** What `ninefold policy log --page` printed. */
export interface HistoryPage {
  /** The latest first. */
  readonly rows: readonly HistoryRow[];
  /** Places of lines that cannot be read. */
  readonly damaged: readonly string[];
  /** Where the next older page ends; undefined: there is none. */
  readonly older: string | undefined;
}

/** So many lines are read in one go: some milliseconds. */
const SLICE = 200;

/**
 * `known`: rows of before, by id. What stands in the log does not change, so one that was read is that very row. Stops after each slice, so that a window can answer in between.
 */
export function* pageSlices(
  text: string,
  _: Translate,
  known: ReadonlyMap<string, HistoryRow> = new Map(),
): Generator<undefined, HistoryPage> {
  const rows: HistoryRow[] = [];
  const damaged: string[] = [];
  let older: string | undefined;
  for (const [i, line] of text.split('\n').entries()) {
    if (i % SLICE === SLICE - 1) yield undefined;
    if (line === '') continue;
    let e: unknown;
    try {
      e = JSON.parse(line);
    } catch {
      continue;
    }
    if (!isObject(e)) continue;
    if (isObject(e.page)) older = typeof e.page.older === 'string' ? e.page.older : undefined;
    else if (typeof e.id === 'string') {
      const row = known.get(e.id) ?? (e.damaged === true ? undefined : entryOf(e.id, e, _));
      if (row === undefined) damaged.push(e.id);
      else rows.push(row);
    }
  }
  return { rows: rows.reverse(), damaged, older };
}

/** The same in one go. */
export function pageOf(text: string, _: Translate, known?: ReadonlyMap<string, HistoryRow>): HistoryPage {
  const slices = pageSlices(text, _, known);
  for (let step = slices.next(); ; step = slices.next()) if (step.done === true) return step.value;
}

/**
 * What a window has of the log: all of its latest page, and of older ones what was wanted of them, up to a bound. A filter looks further back by itself until there is a screenful; what it passes over is not
 * kept, so that it can go through logs of any length.
 */
export class HistoryLog {
  #rows: readonly HistoryRow[] = [];
  #damaged = new Set<string>();
  #older: string | undefined;
  /** The time of the oldest row that was looked at. */
  #reached = Number.POSITIVE_INFINITY;
  /** Rows of the latest page, which are all there whatever the filter. */
  #latest: HistoryPage = { rows: [], damaged: [], older: undefined };

  /** The latest first. */
  get rows(): readonly HistoryRow[] {
    return this.#rows;
  }

  /** How many lines, of those that were looked at, cannot be read. */
  get damaged(): number {
    return this.#damaged.size;
  }

  /** Where the next older page ends; undefined: all has been looked at, or no more is kept. */
  get older(): string | undefined {
    return this.full ? undefined : this.#older;
  }

  /** There is more, but a window keeps no more. */
  get full(): boolean {
    return this.#older !== undefined && this.#rows.length >= ROWS_MAX;
  }

  get known(): ReadonlyMap<string, HistoryRow> {
    return new Map(this.#rows.map((row) => [row.id, row]));
  }

  /** The latest page anew: something has happened. What was fetched of older ones stays, unless so much has happened that there is a gap between. */
  update(page: HistoryPage): void {
    const last = page.rows.at(-1)?.id;
    const seam = last === undefined ? -1 : this.#rows.findIndex((row) => row.id === last);
    this.#latest = page;
    if (seam < 0) return this.restart();
    this.#rows = [...page.rows, ...this.#rows.slice(seam + 1)];
    for (const id of page.damaged) this.#damaged.add(id);
  }

  /** An older page; of its rows those that are wanted. */
  add(page: HistoryPage, wanted: (rows: readonly HistoryRow[]) => readonly HistoryRow[]): void {
    this.#rows = [...this.#rows, ...wanted(page.rows)].slice(0, ROWS_MAX);
    for (const id of page.damaged) this.#damaged.add(id);
    this.#older = page.older;
    this.#reached = page.rows.at(-1)?.time ?? this.#reached;
  }

  /** Back to the latest page alone: something else is wanted now. */
  restart(): void {
    this.#rows = this.#latest.rows;
    this.#damaged = new Set(this.#latest.damaged);
    this.#older = this.#latest.older;
    this.#reached = this.#latest.rows.at(-1)?.time ?? Number.POSITIVE_INFINITY;
  }

  /** Whether to look further back without being asked to: a filter has left so few, and what it lets through may be older. */
  looksOn(inSight: number, filter: HistoryFilter): boolean {
    const { machine, kind, from, typed = '' } = filter;
    const filtered = machine !== undefined || kind !== undefined || from !== undefined || typed.trim() !== '';
    const over = from !== undefined && this.#reached < from;
    return filtered && !over && inSight < ENOUGH && this.older !== undefined;
  }
}
