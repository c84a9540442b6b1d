// SPDX-License-Identifier: MIT

import { Span } from '../base/mem.ts';
import type { Off } from '../base/sys.ts';

/**
 * One request of any type: a record of every field that some row of the table names, made once and filled again for each request. What other
 * types left there means nothing.
 *
 * Spans point into the buffer that was decoded: they die when it is reused.
 */
export class Request {
  type = 0;
  /** The object; of link and rename the one that is there already. */
  readonly path = new Span();
  /** New name of link and rename; target of symlink. */
  readonly path2 = new Span();
  /** Of an extended attribute. */
  readonly name = new Span();
  readonly value = new Span();
  flags = 0;
  mode = 0;
  uid = 0;
  gid = 0;
  /** Of mknod, as the C library's dev_t, in halves. */
  rdevLo = 0;
  rdevHi = 0;
  /** Room for a reply, or length of a value: what the peer says, signed. */
  size = 0;
  length: Off = 0;
  atimeSec: Off = 0;
  atimeNsec: Off = 0;
  mtimeSec: Off = 0;
  mtimeNsec: Off = 0;
}
