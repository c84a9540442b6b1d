// SPDX-License-Identifier: MIT

import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { type AuditLine, auditFiles } from './audit.ts';

/** A line and where it stands, which stays the same as long as the line is there: `FILE:OFFSET`. `line` undefined: it cannot be read. */
export interface Placed {
  readonly id: string;
  readonly line: AuditLine | undefined;
}

export interface AuditPage {
  /** The oldest first. */
  readonly lines: readonly Placed[];
  /** Where the next older page ends; undefined: nothing is older. */
  readonly older: string | undefined;
}

/** No file of ours is half as large. */
const FILE_MAX = 32 * 1024 * 1024;
const NEWLINE = 0x0a;
const PLACE = /^([0-9a-f]{1,16}):([0-9]{1,12})$/;

export interface PageWish {
  readonly max: number;
  /** A place: only what is before it. */
  readonly before?: string | undefined;
  /** Only lines that have this in them, as it stands in the file; others are not even parsed. */
  readonly holding?: string;
}

/** Whether a text can be the place of a line: what `id` and `older` are. */
export const isPlace = (text: string): boolean => PLACE.test(text);

/**
 * The latest lines of the log, or those before a place, at most `max`, through the older files too. A place in a file that is gone meanwhile has nothing before it.
 * Throws Node's errors.
 */
export function readPage(path: string, wish: PageWish): AuditPage {
  const { max, before } = wish;
  const files = openAll(path);
  try {
    const place = before === undefined ? undefined : PLACE.exec(before);
    let at = before === undefined ? 0 : files.findIndex((f) => f.name === place?.[1]);
    let end = place === null || place === undefined ? undefined : Number(place[2]);
    const lines: Placed[] = [];
    let older: string | undefined;
    for (; at >= 0 && at < files.length; at++, end = undefined) {
      const file = files[at];
      if (file === undefined) break;
      const rest = takeLines(file, Math.min(end ?? file.size, file.size), wish, lines);
      older = rest > 0 ? `${file.name}:${rest}` : undefined;
      if (lines.length >= max) {
        const next = files.slice(at + 1).find((f) => f.size > 0);
        if (older === undefined && next !== undefined) older = `${next.name}:${next.size}`;
        break;
      }
    }
    return { lines: lines.reverse(), older };
  } finally {
    for (const { fd } of files) closeSync(fd);
  }
}

interface LogFile {
  readonly fd: number;
  /** Its inode: the name changes when the log is turned over. */
  readonly name: string;
  readonly size: number;
}

/** The latest first. Opened in the order in which lines move on, so that none is missed when the log is turned over meanwhile; one may be met twice. */
function openAll(path: string): LogFile[] {
  const files: LogFile[] = [];
  for (const name of auditFiles(path)) {
    try {
      const fd = openSync(name, 'r');
      const { ino, size } = fstatSync(fd, { bigint: true });
      const file = { fd, name: ino.toString(16), size: Number(size) };
      if (files.some((f) => f.name === file.name)) closeSync(fd);
      else files.push(file);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    }
  }
  return files;
}

/** Adds the lines before `end`, the latest first, until there are enough. Returns the offset before which there are more; 0: none. */
function takeLines({ fd, name }: LogFile, end: number, { max, holding }: PageWish, lines: Placed[]): number {
  const start = Math.max(0, end - FILE_MAX);
  const bytes = Buffer.alloc(end - start);
  let got = 0;
  while (got < bytes.length) {
    const n = readSync(fd, bytes, got, bytes.length - got, start + got);
    if (n === 0) break;
    got += n;
  }
  let stop = got;
  while (stop > 0 && lines.length < max) {
    // The newline before `stop` is the end of this line itself.
    const from = stop >= 2 ? bytes.lastIndexOf(NEWLINE, stop - 2) + 1 : 0;
    const line = bytes.subarray(from, bytes[stop - 1] === NEWLINE ? stop - 1 : stop);
    stop = from;
    if (line.length === 0 || (holding !== undefined && !line.includes(holding))) continue;
    lines.push({ id: `${name}:${start + from}`, line: parse(line.toString('utf8')) });
  }
  return start + stop;
}

function parse(text: string): AuditLine | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as AuditLine)
      : undefined;
  } catch {
    return undefined;
  }
}
