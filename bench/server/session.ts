// SPDX-License-Identifier: MIT

import { T } from '../../src/p9/messages.ts';
import * as put from './requests.ts';
import { MSIZE, type Wire } from './wire.ts';

/** The root of the export. Fids from 1 up are the rows'. */
export const ROOT = 0;

const encoder = new TextEncoder();
export const bytes = (text: string): Uint8Array => encoder.encode(text);

/** A connection after Tversion, and what the rows have in common: plain requests, one after the other. */
export class Session {
  readonly w: Wire;
  /** The served folder, as the client's machine sees it: rows prepare files in it without the server. */
  readonly dir: string;
  private serial = 0;

  constructor(w: Wire, dir: string) {
    this.w = w;
    this.dir = dir;
  }

  /** Tversion: the first reply of a server. Throws unless it takes 9P2000.L and the whole msize. */
  version(): void {
    const { w } = this;
    w.call(put.version(w.out, 0, MSIZE, bytes('9P2000.L')));
    const msize = w.in.dv.getUint32(w.at + 7, true);
    if (msize !== MSIZE) throw new Error(`the server cuts msize to ${msize}: not comparable`);
  }

  /** `aname`: '' for a server of one folder, else the folder's path. */
  attach(aname: string): void {
    const { w } = this;
    w.call(put.attach(w.out, 0, 1, ROOT, bytes('root'), bytes(aname), process.geteuid?.() ?? 0));
  }

  walk(newfid: number, ...names: string[]): void {
    const { w } = this;
    w.call(put.walk(w.out, 0, 1, ROOT, newfid, names.map(bytes)));
    if (w.in.dv.getUint16(w.at + 7, true) !== names.length)
      throw new Error(`no ${names.join('/')} in the share`);
  }

  lopen(fid: number, flags: number): void {
    this.w.call(put.lopen(this.w.out, 0, 1, fid, flags));
  }

  clunk(fid: number): void {
    this.w.call(put.clunk(this.w.out, 0, 1, fid));
  }

  /** A name that no row of this session has used yet. */
  fresh(prefix: string): string {
    return `${prefix}${this.serial++}`;
  }

  /**
   * Keeps `depth` requests in flight until `count` were answered: for every reply that is there, one request more, all in one write. `one` writes
   * a request at `off` of `w.out` and returns its length.
   */
  pipeline(depth: number, count: number, type: number, one: (off: number, tag: number) => number): void {
    const { w } = this;
    let len = 0;
    let sent = 0;
    for (; sent < depth && sent < count; sent++) len += one(len, sent);
    w.send(len);
    for (let answered = 0; answered < count; ) {
      len = 0;
      do {
        w.next(type + 1);
        answered++;
        if (sent < count) {
          len += one(len, w.tag);
          sent++;
        }
      } while (w.waiting);
      if (len > 0) w.send(len);
    }
  }

  /** Lists an open folder from the start; returns how many entries came. */
  list(fid: number): number {
    const { w } = this;
    let entries = 0;
    // 18,446,744,073,709,551,615 does not fit a number: cookies are carried as the 8 bytes they are.
    const cookie = new Uint8Array(8);
    for (;;) {
      const len = put.read(w.out, 0, T.readdir, 1, fid, 0, MSIZE - 24);
      w.out.u8.set(cookie, 11);
      w.call(len);
      const end = w.at + w.size;
      let at = w.at + 11;
      if (at === end) return entries;
      let last = at;
      // qid[13] offset[8] type[1] name[s]
      while (at < end) {
        last = at;
        at += 24 + w.in.dv.getUint16(at + 22, true);
        entries++;
      }
      cookie.set(w.in.u8.subarray(last + 13, last + 21));
    }
  }
}
