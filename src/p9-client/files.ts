// SPDX-License-Identifier: MIT

import { EPROTO } from '../base/errno.ts';
import type { Span } from '../base/mem.ts';
import { AT_REMOVEDIR, O_CREAT, O_DIRECTORY, O_RDONLY, O_TRUNC, O_WRONLY, type Off } from '../base/sys.ts';
import { GETATTR_BASIC, NOFID, NONUNAME, RREAD_HEADER, TWRITE_HEADER } from '../p9/constants.ts';
import { Dirent, readDirent } from '../p9/dirent.ts';
import { T } from '../p9/messages.ts';
import type { Msg } from '../p9/msg.ts';
import { type ByteStream, P9Error, PromiseClient } from './promises.ts';

/** What `stat` tells. Times in milliseconds since 1970. */
export interface P9Stat {
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly nlink: number;
  readonly size: Off;
  readonly mtimeMs: number;
  readonly qid: { readonly type: number; readonly version: number; readonly path: bigint };
}

/** An entry of a folder. `type` is a DT_ number (readdir(3)): 4 folder, 8 file, 10 link. Names that are not one component never get here. */
export interface P9Entry {
  readonly name: string;
  readonly type: number;
}

const ROOT = 0;
const encoder = new TextEncoder();

/**
 * The files of a 9P2000.L server, by path and with promises. Paths are relative to the root of the share, with `/`; symbolic links are not followed (use `readlink`).
 * Each method rejects with `P9Error` when the server refuses, and with NinefoldError when the connection is lost.
 */
export class P9Files {
  private readonly client: PromiseClient;
  private nextFid = ROOT + 1;
  private readonly freeFids: number[] = [];

  private constructor(client: PromiseClient) {
    this.client = client;
  }

  /** Tversion and Tattach. `stream` is the client's from here on; `close` destroys it. */
  static async connect(
    stream: ByteStream,
    how: { uname?: string; aname?: string; uid?: number; msize?: number } = {},
  ): Promise<P9Files> {
    const client = new PromiseClient(stream);
    await client.version(how.msize);
    await client.call(
      T.attach,
      (m) => {
        m.fid = ROOT;
        m.afid = NOFID;
        put(m.name, how.uname ?? '');
        put(m.name2, how.aname ?? '');
        m.nuname = how.uid ?? NONUNAME;
      },
      () => {},
    );
    return new P9Files(client);
  }

  async stat(path: string): Promise<P9Stat> {
    return this.at(path, (fid) =>
      this.client.call(
        T.getattr,
        (m) => {
          m.fid = fid;
          m.mask = GETATTR_BASIC;
        },
        (m) => ({
          mode: m.attr.mode,
          uid: m.attr.uid,
          gid: m.attr.gid,
          nlink: Number(m.attr.nlink),
          size: m.attr.size,
          mtimeMs: Number(m.attr.mtimeSec) * 1000 + Number(m.attr.mtimeNsec) / 1e6,
          qid: {
            type: m.qid.type,
            version: m.qid.version,
            path: (BigInt(m.qid.pathHi) << 32n) | BigInt(m.qid.pathLo),
          },
        }),
      ),
    );
  }

  /** All entries but `.` and `..`, in the server's order. */
  async readdir(path: string): Promise<P9Entry[]> {
    return this.at(path, async (fid) => {
      await this.lopen(fid, O_RDONLY | O_DIRECTORY);
      const all: P9Entry[] = [];
      for (let offset: Off = 0; ; ) {
        const data: Uint8Array = await this.data(T.readdir, fid, offset, this.client.chunk);
        if (data.length === 0) return all;
        const next = entries(data, all);
        // A folder that leads back to where it was would never end.
        if (next === BigInt(offset)) throw new P9Error('Treaddir', EPROTO);
        offset = next;
      }
    });
  }

  async readlink(path: string): Promise<string> {
    return this.at(path, (fid) =>
      this.client.call(
        T.readlink,
        (m) => fidOf(m, fid),
        (m) => m.name2.text(),
      ),
    );
  }

  /** The whole file; `limit` (bytes, default 64 MiB) guards against one that never ends: RangeError. */
  async readFile(path: string, limit = 64 * 1024 * 1024): Promise<Uint8Array> {
    return this.at(path, async (fid) => {
      await this.lopen(fid, O_RDONLY);
      const parts: Uint8Array[] = [];
      let size = 0;
      for (;;) {
        const part = await this.data(T.read, fid, size, this.client.chunk);
        if (part.length === 0) return Buffer.concat(parts);
        size += part.length;
        if (size > limit) throw new RangeError(`${path} has more than ${limit} bytes`);
        parts.push(part);
      }
    });
  }

  /** Creates or replaces the contents of a file; `mode` for a new one. */
  async writeFile(path: string, contents: Uint8Array | string, mode = 0o644): Promise<void> {
    const bytes = typeof contents === 'string' ? encoder.encode(contents) : contents;
    const { dir, name } = parentOf(path);
    await this.at(dir, async (fid) => {
      await this.client.call(
        T.lcreate,
        (m) => {
          m.fid = fid;
          put(m.name, name);
          m.flags = O_WRONLY | O_CREAT | O_TRUNC;
          m.mode = mode;
          m.gid = process.getgid?.() ?? 0;
        },
        () => {},
      );
      const step = this.client.msize - TWRITE_HEADER;
      for (let done = 0; done < bytes.length; ) {
        const part = bytes.subarray(done, done + step);
        const n = await this.client.call(
          T.write,
          (m) => {
            m.fid = fid;
            m.offset = done;
            m.data.set(part, 0, part.length);
          },
          (m) => m.count,
        );
        if (n === 0 || n > part.length) throw new P9Error('Twrite', EPROTO);
        done += n;
      }
    });
  }

  async mkdir(path: string, mode = 0o755): Promise<void> {
    const { dir, name } = parentOf(path);
    await this.at(dir, (fid) =>
      this.client.call(
        T.mkdir,
        (m) => {
          m.dfid = fid;
          put(m.name, name);
          m.mode = mode;
          m.gid = process.getgid?.() ?? 0;
        },
        () => {},
      ),
    );
  }

  /** Removes a file or link; with `folder`, an empty folder. */
  async unlink(path: string, folder = false): Promise<void> {
    const { dir, name } = parentOf(path);
    await this.at(dir, (fid) =>
      this.client.call(
        T.unlinkat,
        (m) => {
          m.fid = fid;
          put(m.name, name);
          m.flags = folder ? AT_REMOVEDIR : 0;
        },
        () => {},
      ),
    );
  }

  async rename(from: string, to: string): Promise<void> {
    const a = parentOf(from);
    const b = parentOf(to);
    await this.at(a.dir, (oldDir) =>
      this.at(b.dir, (newDir) =>
        this.client.call(
          T.renameat,
          (m) => {
            m.fid = oldDir;
            put(m.name, a.name);
            m.newdirfid = newDir;
            put(m.name2, b.name);
          },
          () => {},
        ),
      ),
    );
  }

  close(): void {
    this.client.close();
  }

  /** Walks to `path`, runs `use` with a fid of it, and clunks the fid whatever happens. */
  private async at<R>(path: string, use: (fid: number) => Promise<R>): Promise<R> {
    const fid = this.freeFids.pop() ?? this.nextFid++;
    try {
      await this.walk(path, fid);
    } catch (error) {
      this.freeFids.push(fid);
      throw error;
    }
    try {
      return await use(fid);
    } finally {
      // A lost connection has no fids; the error that matters is the one under way.
      await this.client
        .call(
          T.clunk,
          (m) => fidOf(m, fid),
          () => {},
        )
        .catch(() => {});
      this.freeFids.push(fid);
    }
  }

  private async walk(path: string, fid: number): Promise<void> {
    const names = path.split('/').filter((n) => n !== '' && n !== '.');
    let from = ROOT;
    for (let i = 0; i === 0 || i < names.length; i += 16) {
      const some = names.slice(i, i + 16);
      const reached = await this.client.call(
        T.walk,
        (m) => {
          m.fid = from;
          m.newfid = fid;
          m.nwname = some.length;
          some.forEach((n, k) => {
            put(m.names[k] as Span, n);
          });
        },
        (m) => m.nwqid,
      );
      if (reached !== some.length) {
        if (from === fid)
          await this.client
            .call(
              T.clunk,
              (m) => fidOf(m, fid),
              () => {},
            )
            .catch(() => {});
        throw new P9Error('Twalk', reached > some.length ? EPROTO : 2);
      }
      from = fid;
    }
  }

  private lopen(fid: number, flags: number): Promise<void> {
    return this.client.call(
      T.lopen,
      (m) => {
        m.fid = fid;
        m.flags = flags;
      },
      () => {},
    );
  }

  private async data(type: number, fid: number, offset: Off, count: number): Promise<Uint8Array> {
    const data = await this.client.call(
      type,
      (m) => {
        m.fid = fid;
        m.offset = offset;
        m.count = Math.min(count, this.client.msize - RREAD_HEADER);
      },
      (m) => m.data.copy(),
    );
    if (data.length > count) throw new P9Error(type === T.read ? 'Tread' : 'Treaddir', EPROTO);
    return data;
  }
}

function put(span: Span, text: string): void {
  const bytes = encoder.encode(text);
  span.set(bytes, 0, bytes.length);
}

function fidOf(m: Msg, fid: number): void {
  m.fid = fid;
}

function parentOf(path: string): { dir: string; name: string } {
  const names = path.split('/').filter((n) => n !== '' && n !== '.');
  const name = names.pop();
  if (name === undefined)
    throw new RangeError(`'${path}' names the root of the share, which has no folder above it`);
  return { dir: names.join('/'), name };
}

/** Decodes whole entries into `all` and returns the offset of the last. */
function entries(data: Uint8Array, all: P9Entry[]): bigint {
  const dv = new DataView(data.buffer, data.byteOffset, data.byteLength);
  const e = new Dirent();
  let offset = 0n;
  for (let pos = 0; pos < data.length; ) {
    pos = readDirent(dv, pos, data.length, e);
    if (pos < 0) throw new P9Error('Treaddir', EPROTO);
    offset = (BigInt(e.offsetHi) << 32n) | BigInt(e.offsetLo);
    const name = new TextDecoder().decode(data.subarray(e.nameOff, e.nameOff + e.nameLen));
    if (name === '.' || name === '..') continue;
    if (name === '' || name.length > 255 || /[/\0]/.test(name)) throw new P9Error('Treaddir', EPROTO);
    all.push({ name, type: e.type });
  }
  return offset;
}
