// SPDX-License-Identifier: MIT

import type { Mem } from '../base/mem.ts';
import type { Node } from './node.ts';
import type { OpenFile } from './open-file.ts';
import type { User } from './options.ts';

/** What a fid number stands for on one connection. */
export class Fid {
  node: Node;
  readonly user: User;
  /** Which Tattach it descends from: hard links do not cross attaches. */
  readonly attach: number;
  open: OpenFile | undefined;
  xattr: XattrValue | undefined;

  constructor(node: Node, user: User, attach: number) {
    this.node = node;
    this.user = user;
    this.attach = attach;
  }
}

/** A fid of Txattrwalk (a value or list to be read) or Txattrcreate (a value being written, set by Tclunk). */
export interface XattrValue {
  readonly value: Mem;
  /** Bytes of `value` that count. */
  readonly size: number;
  /** NUL-terminated name when it is written, undefined when it is read. */
  readonly name: Mem | undefined;
  readonly flags: number;
  /** It is a POSIX ACL. */
  readonly acl: boolean;
  /** How far writing has come. */
  written: number;
}
