// SPDX-License-Identifier: MIT

/** One reply on its way to whoever asked: the body lies in `[pos, end)` of `u8`, and is gone when the handler returns. */
export class Reply {
  u8: Uint8Array = new Uint8Array(0);
  dv: DataView = new DataView(this.u8.buffer);
  type = 0;
  tag = 0;
  pos = 0;
  end = 0;

  get length(): number {
    return this.end - this.pos;
  }
}

/**
 * Called once for each request: with `err` 0 and a reply of the right type, or with a positive errno (an Rlerror's, made harmless by `cleanErrno`; EINTR
 * after a Tflush; ENOTCONN at the end of the connection), when `r` holds nothing. `data` is the number that was given with the request.
 */
export type OnReply<E, O> = (engine: E, op: O, err: number, r: Reply, data: number) => void;

/**
 * The tags of a connection, and what each waits for. Arrays made once: a request in flight costs no allocation.
 * `E` is the engine that handlers get, `O` what a request belongs to.
 */
export class Tags<E, O> {
  private readonly ops: (O | undefined)[];
  private readonly handlers: (OnReply<E, O> | undefined)[];
  private readonly wants: Uint8Array;
  /** Not floats: a number out of a Float64Array stays one in whatever it is stored in, and every fid would be an object on the heap. */
  private readonly data: Uint32Array;
  private readonly serials: Uint32Array;
  private serial = 0;
  private readonly freeTags: Uint16Array;
  private freeCount: number;
  private readonly max: number;

  constructor(max: number) {
    this.max = max;
    this.ops = new Array(max).fill(undefined);
    this.handlers = new Array(max).fill(undefined);
    this.wants = new Uint8Array(max);
    this.data = new Uint32Array(max);
    this.serials = new Uint32Array(max);
    this.freeTags = new Uint16Array(max);
    for (let i = 0; i < max; i++) this.freeTags[i] = max - 1 - i;
    this.freeCount = max;
  }

  /** Tags that nobody holds. */
  get free(): number {
    return this.freeCount;
  }
  get busy(): number {
    return this.max - this.freeCount;
  }

  /** A tag for a request of `type`. The caller makes sure that one is free. `data`: 32 bits. */
  take(type: number, op: O, handler: OnReply<E, O>, data: number): number {
    if (this.freeCount === 0)
      throw new RangeError('no free tag: requests were begun without looking at `free`');
    const tag = this.freeTags[--this.freeCount] as number;
    this.ops[tag] = op;
    this.handlers[tag] = handler;
    this.wants[tag] = type + 1;
    this.data[tag] = data;
    this.serial = (this.serial + 1) >>> 0;
    this.serials[tag] = this.serial;
    return tag;
  }

  /** What type of reply a tag waits for; 0 when nobody waits. */
  wanted(tag: number): number {
    return tag < this.max && this.handlers[tag] !== undefined ? (this.wants[tag] as number) : 0;
  }

  /** Whose a tag is. */
  opOf(tag: number): O | undefined {
    return this.ops[tag];
  }

  /** Which request a tag that somebody waits for is of: requests are counted, modulo 2³². Tells whether a tag was given to another since. */
  serialOf(tag: number): number {
    return this.serials[tag] as number;
  }

  /** The tag of the request that `serialOf` gave this number; -1 when nobody waits for it any more. */
  ofSerial(serial: number): number {
    for (let tag = 0; tag < this.max; tag++)
      if (this.handlers[tag] !== undefined && this.serials[tag] === serial) return tag;
    return -1;
  }

  /** Frees the tag and calls its handler. */
  settle(engine: E, tag: number, err: number, r: Reply): void {
    const handler = this.handlers[tag];
    if (handler === undefined) return;
    const op = this.ops[tag] as O;
    this.handlers[tag] = undefined;
    this.ops[tag] = undefined;
    this.freeTags[this.freeCount++] = tag;
    handler(engine, op, err, r, this.data[tag] as number);
  }

  /** Calls `f` for every tag in flight. */
  each(f: (tag: number, op: O) => void): void {
    for (let tag = 0; tag < this.max; tag++) if (this.handlers[tag] !== undefined) f(tag, this.ops[tag] as O);
  }
}
