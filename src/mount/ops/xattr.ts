// SPDX-License-Identifier: MIT

import { EINVAL, EIO, ENODATA, EOPNOTSUPP, ERANGE } from '../../base/errno.ts';
import { IN_HEADER, OUT_HEADER } from '../../fuse-abi/index.ts';
import { ioUnit, type Reply, T } from '../../p9-client/index.ts';
import type { Engine } from '../engine.ts';
import { withFid, withOwnFid } from '../fids.ts';
import type { Node } from '../node.ts';
import type { Op } from '../op.ts';
import { changingObject } from '../prefetch.ts';
import { onDone } from './open.ts';

/** XATTR_SIZE_MAX and XATTR_LIST_MAX (include/uapi/linux/limits.h). */
const XATTR_MAX = 65536;
const XATTR_REPLACE = 2;

/** FUSE_GETXATTR: size u32, pad; name\0. Size 0 → { size u32, pad }; else the bytes, ERANGE when they are more. */
export function getxattr(e: Engine, op: Op): void {
  // The kernel asks for security.capability before the first write to each file. Our own server has none, and says so by the dialect (docs/EXTENSIONS.md);
  // a namespace that another does not have is asked for once.
  if (e.session.extended && op.name.startsWith('security.')) return e.error(op, ENODATA);
  if (e.missingNamespaces.size > 0 && e.missingNamespaces.has(namespaceOf(op.name)))
    return e.error(op, EOPNOTSUPP);
  op.size = e.request.dv.getUint32(IN_HEADER, true);
  withFid(e, op, op.node as Node, begin);
}

/** FUSE_LISTXATTR: size u32, pad. As GETXATTR: names, each with a NUL. */
export function listxattr(e: Engine, op: Op): void {
  op.size = e.request.dv.getUint32(IN_HEADER, true);
  op.name = '';
  withFid(e, op, op.node as Node, begin);
}

/** Txattrwalk makes a fid that holds the value; Tread gives it; Tclunk ends it. */
function begin(e: Engine, op: Op): void {
  op.newFid = e.fids.take();
  e.req.xattrwalk(e.call(op, T.xattrwalk, onSize), op.fid, op.newFid, op.name);
}

/** `security.` of `security.capability`; of `system.` attributes the whole name, each is a feature of its own. */
function namespaceOf(name: string): string {
  const dot = name.indexOf('.');
  return dot < 0 || name.startsWith('system.') ? name : name.slice(0, dot + 1);
}

/** Rxattrwalk: size[8]. */
function onSize(e: Engine, op: Op, err: number, r: Reply): void {
  if (err !== 0) {
    e.fids.give(op.newFid);
    if (
      err === EOPNOTSUPP &&
      op.name !== '' &&
      !op.name.startsWith('user.') &&
      e.missingNamespaces.size < 16
    ) {
      e.missingNamespaces.add(namespaceOf(op.name));
    }
    return e.error(op, err);
  }
  const size = r.dv.getUint32(r.pos, true);
  if (r.dv.getUint32(r.pos + 4, true) !== 0 || size > XATTR_MAX) {
    e.clunk(op.newFid);
    return e.lie(op, 'announced an extended attribute of more than 64 KiB');
  }
  if (op.size === 0) {
    e.clunk(op.newFid);
    e.out.dv.setUint32(OUT_HEADER, size, true);
    e.out.dv.setUint32(OUT_HEADER + 4, 0, true);
    e.answer(op, 8);
    return;
  }
  if (size > op.size || size === 0 || op.done) {
    e.clunk(op.newFid);
    if (size > op.size) e.error(op, ERANGE);
    else e.answer(op);
    return;
  }
  op.data = new Uint8Array(size);
  op.a = 0;
  more(e, op);
}

function more(e: Engine, op: Op): void {
  const data = op.data as Uint8Array;
  op.size2 = Math.min(data.length - op.a, ioUnit(e.session.msize));
  e.req.read(T.read, e.call(op, T.read, onValue), op.newFid, op.a, 0, op.size2);
}

function onValue(e: Engine, op: Op, err: number, r: Reply): void {
  const data = op.data as Uint8Array;
  const n = err === 0 ? r.end - r.pos - 4 : 0;
  if (err !== 0 || n === 0 || n > op.size2) {
    e.clunk(op.newFid);
    if (err !== 0) return e.error(op, err);
    return e.lie(op, 'sent another number of bytes of an extended attribute than it had announced');
  }
  data.set(r.u8.subarray(r.pos + 4, r.end), op.a);
  op.a += n;
  if (op.a < data.length) return more(e, op);
  e.clunk(op.newFid);
  if (op.name === '' && !isNameList(data)) return e.lie(op, 'sent a malformed list of extended attributes');
  e.out.u8.set(data, OUT_HEADER);
  e.answer(op, data.length);
}

/** Names, none empty, each closed by a NUL: the kernel passes the list on as it is, and listxattr(2) promises this. */
function isNameList(data: Uint8Array): boolean {
  let start = 0;
  for (let i = 0; i < data.length; i++) {
    if (data[i] !== 0) continue;
    if (i === start) return false;
    start = i + 1;
  }
  return start === data.length;
}

/** FUSE_SETXATTR: size u32, flags u32; name\0 value. Txattrcreate turns a clone into a buffer, Twrite fills it, Tclunk sets the attribute and tells the error. */
export function setxattr(e: Engine, op: Op): void {
  const { dv, u8 } = e.request;
  const size = dv.getUint32(IN_HEADER, true);
  op.flags = dv.getUint32(IN_HEADER + 4, true);
  const at = IN_HEADER + 8 + op.name.length + 1;
  if (size > XATTR_MAX || at + size > e.header.end) return e.error(op, EINVAL);
  op.data = u8.slice(at, at + size);
  if (size === 0 && op.flags === XATTR_REPLACE) {
    // In 9P that is a removal. An empty value for an attribute that is there is set without the flag.
    op.flags = 0;
    return withOwnFid(e, op, op.node as Node, (e2, op2) => {
      op2.newFid = e2.fids.take();
      e2.req.xattrwalk(e2.call(op2, T.xattrwalk, onThere), op2.fid, op2.newFid, op2.name);
    });
  }
  withOwnFid(e, op, op.node as Node, clone);
}

function onThere(e: Engine, op: Op, err: number): void {
  if (err !== 0) {
    e.fids.give(op.newFid);
    return e.error(op, err);
  }
  e.clunk(op.newFid);
  withOwnFid(e, op, op.node as Node, clone);
}

/** FUSE_REMOVEXATTR: name\0. In 9P: an attribute of no bytes, with REPLACE. */
export function removexattr(e: Engine, op: Op): void {
  op.flags = XATTR_REPLACE;
  op.data = new Uint8Array(0);
  withOwnFid(e, op, op.node as Node, clone);
}

/** From here on the object's time of change is not what it was, and its mode may not be (an ACL). */
function clone(e: Engine, op: Op): void {
  changingObject(e, op.node as Node);
  op.newFid = e.fids.take();
  e.req.clone(e.call(op, T.walk, onCloned), op.fid, op.newFid);
}

function onCloned(e: Engine, op: Op, err: number): void {
  if (err !== 0) {
    e.fids.give(op.newFid);
    return e.error(op, err);
  }
  const { length } = op.data as Uint8Array;
  e.req.xattrcreate(e.call(op, T.xattrcreate, onCreated), op.newFid, op.name, length, op.flags);
}

function onCreated(e: Engine, op: Op, err: number): void {
  if (err !== 0) {
    e.clunk(op.newFid);
    return e.error(op, err);
  }
  op.a = 0;
  fill(e, op);
}

function fill(e: Engine, op: Op): void {
  const data = op.data as Uint8Array;
  if (op.a === data.length) {
    e.req.clunk(e.call(op, T.clunk, onSet), op.newFid);
    return;
  }
  // No more at a time than has its place among the requests for certain.
  const n = Math.min(data.length - op.a, ioUnit(e.session.msize), 8192);
  op.size2 = n;
  e.req.write(e.call(op, T.write, onFilled), op.newFid, op.a, 0, data.subarray(op.a, op.a + n));
}

function onFilled(e: Engine, op: Op, err: number, r: Reply): void {
  const n = err === 0 ? r.dv.getUint32(r.pos, true) : 0;
  if (err !== 0 || n === 0 || n > op.size2) {
    // The attribute stays as it was: too few bytes have come when the fid goes.
    e.clunk(op.newFid);
    return e.error(op, err !== 0 ? err : EIO);
  }
  op.a += n;
  fill(e, op);
}

function onSet(e: Engine, op: Op, err: number): void {
  e.fids.give(op.newFid);
  changingObject(e, op.node as Node);
  onDone(e, op, err);
}
