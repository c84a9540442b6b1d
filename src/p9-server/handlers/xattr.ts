// SPDX-License-Identifier: MIT

import {
  E2BIG,
  EBADF,
  EINVAL,
  EIO,
  ENAMETOOLONG,
  ENODATA,
  ENOSPC,
  EOPNOTSUPP,
  ERANGE,
} from '../../base/errno.ts';
import type { Mem, Span } from '../../base/mem.ts';
import type { Off } from '../../base/sys.ts';
import type { Writer } from '../../p9/coder.ts';
import { NAME_MAX } from '../../p9/constants.ts';
import { REPLIED } from '../backend.ts';
import { Fid, type XattrValue } from '../fid.ts';
import type { Folder } from '../folder.ts';
import type { Handler } from './index.ts';

/** include/uapi/linux/limits.h */
const XATTR_SIZE_MAX = 65536;
const XATTR_CREATE = 1;
const XATTR_REPLACE = 2;

/** True if the share carries this attribute: `user.*`, and POSIX ACLs by option. Everything else (security, trusted, system) is the server's own. */
function carried(f: Folder, name: string): boolean {
  if (name.startsWith('user.') && name.length > 5) return true;
  return f.options.acl && (name === 'system.posix_acl_access' || name === 'system.posix_acl_default');
}

/** Copies an attribute's name to `to`; 0 or -errno. */
function attrName(f: Folder, name: Span, to: Mem): number {
  if (name.len > NAME_MAX) return -ERANGE;
  if (name.buf.subarray(name.off, name.off + name.len).includes(0)) return -EINVAL;
  name.cstringInto(to);
  return carried(f, Buffer.from(name.copy()).toString('latin1')) ? 0 : -EOPNOTSUPP;
}

/**
 * Txattrwalk fid[4] newfid[4] name[s] → Rxattrwalk size[8]
 *
 * The value (or, without a name, the list of names that are carried) is read now and held by newfid until it is clunked.
 */
export const xattrwalk: Handler = (f, m, w) => {
  const fid = f.fid(m.fid);
  if (fid === undefined) return -EBADF;
  if (fid.xattr !== undefined) return -EBADF;
  const may = m.newfid === m.fid ? -EINVAL : f.mayAdd(m.newfid);
  if (may < 0) return may;
  if (f.xattrFids >= f.options.limits.xattrFids) return -ENOSPC;
  const fd = f.fdOf(fid);
  if (fd < 0) return fd;
  const value = m.name.len === 0 ? list(f, fd) : get(f, fd, m.name);
  if (typeof value === 'number') return value;
  fid.node.refs++;
  const held = new Fid(fid.node, fid.user, fid.attach);
  held.xattr = value;
  f.fids.set(m.newfid, held);
  f.xattrFids++;
  w.u64halves(value.size, 0);
  return REPLIED;
};

function get(f: Folder, fd: number, name: Span): XattrValue | number {
  const ok = attrName(f, name, f.nameA);
  // An attribute that is not carried reads as one that is not there.
  if (ok === -EOPNOTSUPP && !f.options.acl && name.text().startsWith('system.posix_acl_')) return -EOPNOTSUPP;
  if (ok < 0) return ok === -EOPNOTSUPP ? -ENODATA : ok;
  const size = f.sys.getxattr(fd, f.nameA, f.scratch, 0, 0);
  if (size < 0) return size;
  const mem = f.sys.alloc(Math.max(1, size));
  const n = f.sys.getxattr(fd, f.nameA, mem, 0, size);
  return n < 0 ? n : { value: mem, size: n, name: undefined, flags: 0, written: 0, acl: false };
}

function list(f: Folder, fd: number): XattrValue | number {
  const all = f.sys.alloc(XATTR_SIZE_MAX);
  const n = f.sys.listxattr(fd, all, 0, all.size);
  if (n < 0) return n;
  const names = Buffer.from(all.u8.buffer, all.u8.byteOffset, n).toString('latin1').split('\0');
  const kept = names.filter((name) => name !== '' && carried(f, name));
  const bytes = Buffer.from(kept.map((name) => `${name}\0`).join(''), 'latin1');
  all.u8.set(bytes);
  return { value: all, size: bytes.length, name: undefined, flags: 0, written: 0, acl: false };
}

/**
 * Txattrcreate fid[4] name[s] attr_size[8] flags[4] → Rxattrcreate
 *
 * The fid turns into a buffer that Twrite fills and Tclunk sets. attr_size 0 with XATTR_REPLACE removes the attribute.
 */
export const xattrcreate: Handler = (f, m) => {
  const fid = f.fid(m.fid);
  if (fid === undefined) return -EBADF;
  const may = f.mayChange();
  if (may < 0) return may;
  if (fid.open !== undefined || fid.xattr !== undefined) return -EINVAL;
  if (m.name.len > NAME_MAX) return -ENAMETOOLONG;
  const ok = attrName(f, m.name, f.nameA);
  if (ok < 0) return ok;
  if (m.size > XATTR_SIZE_MAX) return -E2BIG;
  if ((m.flags & ~(XATTR_CREATE | XATTR_REPLACE)) !== 0) return -EINVAL;
  if (f.xattrFids >= f.options.limits.xattrFids) return -ENOSPC;
  const name = f.sys.alloc(NAME_MAX + 1);
  m.name.cstringInto(name);
  const size = Number(m.size);
  const acl = m.name.text().startsWith('system.posix_acl_');
  fid.xattr = { value: f.sys.alloc(Math.max(1, size)), size, name, flags: m.flags, written: 0, acl };
  f.xattrFids++;
  return REPLIED;
};

/** Tread of a fid that holds a value. */
export function readXattr(x: XattrValue, offset: Off, count: number, w: Writer): number {
  if (x.name !== undefined) return -EBADF;
  const at = offset > x.size ? x.size : Number(offset);
  const n = Math.min(count, x.size - at);
  w.u32(n);
  for (let i = 0; i < n; i++) w.u8(x.value.u8[at + i] as number);
  return REPLIED;
}

/** Twrite to a fid that takes a value: in order, and never more than was announced. */
export function writeXattr(x: XattrValue, offset: Off, data: Span, w: Writer): number {
  if (x.name === undefined) return -EBADF;
  if (offset !== x.written || x.written + data.len > x.size) return -ENOSPC;
  x.value.u8.set(data.buf.subarray(data.off, data.off + data.len), x.written);
  x.written += data.len;
  w.u32(data.len);
  return REPLIED;
}

/** Tclunk of a fid that took a value: sets or removes the attribute. */
export function finishXattr(f: Folder, fid: Fid): number {
  const x = fid.xattr;
  if (x?.name === undefined) return REPLIED;
  // Short of what was announced: the attribute stays as it was.
  if (x.written !== x.size) return -EIO;
  const fd = f.pool.fd(fid.node);
  if (fd < 0) return fd;
  if (x.size === 0 && x.flags === XATTR_REPLACE) return f.sys.removexattr(fd, x.name);
  if (x.size === 0 && x.acl) {
    // An ACL that says no more than the mode: Linux' client sends no bytes and no flags (v9fs_xattr_set_acl, fs/9p/acl.c), which older kernels refuse with EINVAL.
    const r = f.sys.removexattr(fd, x.name);
    return r === -ENODATA ? REPLIED : r;
  }
  if (!f.space.forEntry(fd, x.size)) return -ENOSPC;
  return f.sys.setxattr(fd, x.name, x.value, 0, x.size, x.flags);
}
