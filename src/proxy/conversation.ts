// SPDX-License-Identifier: MIT

import { EROFS, errnoName } from '../base/errno.ts';
import type { PathSys } from '../base/path-sys.ts';
import { BAD_SIZE, BAD_TYPE, decode, NEED_MORE, requestSize } from '../proxyfs/codec.ts';
import { Reader } from '../proxyfs/coder.ts';
import { FD_VALID, PROXY_HEADER, PROXY_MAX } from '../proxyfs/constants.ts';
import { BY_TYPE } from '../proxyfs/messages.ts';
import { putStatus } from '../proxyfs/replies.ts';
import { Request } from '../proxyfs/request.ts';
import { LOOK, needed } from './capabilities.ts';
import { HANDLERS } from './handlers/index.ts';
import type { Helper } from './helper.ts';

/** Why a conversation ended. `clean`: the peer closed between two requests. */
export interface ProxyEnd {
  readonly clean: boolean;
  readonly why: string;
}

/** One request, one reply, in turn. */
export class Conversation {
  private readonly sys: PathSys;
  private readonly fd: number;
  private readonly helper: Helper;
  private readonly reader: Reader;
  private readonly request = new Request();
  private end: ProxyEnd | undefined;

  constructor(sys: PathSys, fd: number, helper: Helper) {
    this.sys = sys;
    this.fd = fd;
    this.helper = helper;
    this.reader = new Reader(helper.input.u8);
  }

  run(): ProxyEnd {
    const { sys, helper, reader, request } = this;
    const { input } = helper;
    let have = 0;
    helper.identity.allow(LOOK);
    while (this.end === undefined) {
      const size = requestSize(input.dv, 0, have);
      if (size === NEED_MORE) {
        // QEMU writes a request at once and waits for its reply, so this is one call each.
        const got = sys.recvWaiting(this.fd, input, have, input.size - have);
        if (got > 0) have += got;
        else this.gone(got, have);
      } else if (size < 0) {
        this.stop(false, complaint(input.dv, size));
      } else {
        reader.at(0, size);
        if (decode(reader, request)) this.answer();
        else this.stop(false, `malformed ${BY_TYPE[request.type]?.name} request of ${size} bytes`);
        have -= size;
        if (have > 0) input.u8.copyWithin(0, size, size + have);
      }
    }
    return this.end;
  }

  private stop(clean: boolean, why: string): void {
    this.end ??= { clean, why };
  }

  private gone(got: number, have: number): void {
    if (got < 0) this.stop(false, `cannot read from QEMU (${errnoName(got)})`);
    else if (have === 0) this.stop(true, 'QEMU closed the connection');
    else this.stop(false, `QEMU closed the connection after ${have} bytes of a request`);
  }

  private answer(): void {
    const { helper, request } = this;
    const { out } = helper;
    const row = BY_TYPE[request.type];
    const handler = HANDLERS[request.type];
    // `requestSize` lets no other type through.
    if (row === undefined || handler === undefined) return;
    helper.identity.allow(needed(request));
    const r = row.changes && helper.options.readOnly ? -EROFS : handler(helper, request);
    helper.identity.allow(LOOK);
    if (row.reply === 'descriptor') this.sendDescriptor(r);
    else if (row.reply === 'status' || r < 0) this.send(putStatus(out, r));
    else this.send(r);
  }

  private send(length: number): void {
    for (let off = 0; off < length; ) {
      const n = this.sys.sendWaiting(this.fd, this.helper.out, off, length - off);
      if (n <= 0) return this.stop(false, `QEMU went away before it took a reply (${errnoName(n)})`);
      off += n;
    }
  }

  /** The four bytes go out in one piece: a Unix socket does not cut a message with a descriptor, nor one this short. */
  private sendDescriptor(r: number): void {
    const { out } = this.helper;
    out.dv.setInt32(0, r < 0 ? r : FD_VALID, true);
    if (r < 0) return this.send(4);
    const n = this.sys.sendWithFd(this.fd, r, out, 0, 4);
    this.sys.close(r);
    if (n !== 4) this.stop(false, `QEMU did not take a descriptor (${errnoName(n)})`);
  }
}

function complaint(dv: DataView, size: number): string {
  if (size === BAD_TYPE) return `there is no request of type ${dv.getUint32(0, true)}`;
  if (size === BAD_SIZE)
    return `a request of ${PROXY_HEADER + dv.getUint32(4, true)} bytes, and at most ${PROXY_HEADER + PROXY_MAX} are allowed`;
  return `a request of impossible size`;
}
