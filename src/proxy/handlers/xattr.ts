// SPDX-License-Identifier: MIT

import { E2BIG, EINVAL, ENOBUFS, ERANGE } from '../../base/errno.ts';
import { PROXY_HEADER, PROXY_MAX, STRING_MAX } from '../../proxyfs/constants.ts';
import { putSize, putString } from '../../proxyfs/replies.ts';
import type { Request } from '../../proxyfs/request.ts';
import type { Handler, Helper } from '../helper.ts';
import { plainString } from '../paths.ts';

/** XATTR_NAME_MAX (limits.h); the kernel's own answer to a longer one is ERANGE. */
const NAME_MAX = 255;
/** What a reply can carry behind a string's length. */
const VALUE_MAX = PROXY_MAX - 2;

/** The l*xattr calls know no folder: the working folder takes its place. 0, then call `leave` of `h.a`; or -errno. */
function goToObject(h: Helper, m: Request): number {
  let r = h.a.find(m.path);
  if (r < 0) return r;
  r = h.goTo(h.a.dir);
  if (r < 0) h.a.leave();
  return r;
}

function attributeName(h: Helper, m: Request): number {
  if (m.name.len > NAME_MAX) return -ERANGE;
  return plainString(m.name, h.text, NAME_MAX);
}

/** A size alone when none was to be filled, else the bytes; what the peer has room for but a reply has not is ENOBUFS. */
function answer(h: Helper, asked: number, r: number): number {
  if (r === -ERANGE && asked > VALUE_MAX) return -ENOBUFS;
  if (r < 0) return r;
  return asked === 0 ? putSize(h.out, r) : putString(h.out, r);
}

/** lgetxattr: size[4] path[s] name[s] */
export const lgetxattr: Handler = (h, m) => {
  if (m.size < 0 || m.size > PROXY_MAX) return -EINVAL;
  let r = attributeName(h, m);
  if (r < 0) return r;
  r = goToObject(h, m);
  if (r < 0) return r;
  r = h.sys.lgetxattr(h.a.name, h.text, h.out, PROXY_HEADER + 2, Math.min(m.size, VALUE_MAX));
  h.a.leave();
  return answer(h, m.size, r);
};

/** llistxattr: size[4] path[s] */
export const llistxattr: Handler = (h, m) => {
  if (m.size < 0 || m.size > PROXY_MAX) return -EINVAL;
  let r = goToObject(h, m);
  if (r < 0) return r;
  r = h.sys.llistxattr(h.a.name, h.out, PROXY_HEADER + 2, Math.min(m.size, VALUE_MAX));
  h.a.leave();
  return answer(h, m.size, r);
};

/** lsetxattr: path[s] name[s] value[s] size[4] flags[4]. `size` must be the value's: it is what the kernel would read. */
export const lsetxattr: Handler = (h, m) => {
  // QEMU cuts the length of a longer value to 16 bits, and says its size beside it.
  if (m.size !== m.value.len) return m.size > STRING_MAX ? -E2BIG : -EINVAL;
  let r = attributeName(h, m);
  if (r < 0) return r;
  r = goToObject(h, m);
  if (r < 0) return r;
  r = h.sys.lsetxattr(h.a.name, h.text, h.input, m.value.off, m.value.len, m.flags);
  h.a.leave();
  return r;
};

/** lremovexattr: path[s] name[s] */
export const lremovexattr: Handler = (h, m) => {
  let r = attributeName(h, m);
  if (r < 0) return r;
  r = goToObject(h, m);
  if (r < 0) return r;
  r = h.sys.lremovexattr(h.a.name, h.text);
  h.a.leave();
  return r;
};
