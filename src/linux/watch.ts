// SPDX-License-Identifier: MIT
// inotify(7): who changed what in a folder.

import { O_CLOEXEC, O_NONBLOCK } from '../base/sys.ts';
import { openFlags } from './arch.ts';
import { declare, type Fn, ret } from './libc.ts';
import { procFd } from './memory.ts';

interface Calls {
  readonly init: Fn;
  readonly add: Fn;
  readonly remove: Fn;
}
let calls: Calls | undefined;

/** Declared at the first use: most servers never watch anything. */
function inotify(): Calls {
  calls ??= {
    init: declare('inotify_init1', ['int']),
    add: declare('inotify_add_watch', ['int', 'uintptr_t', 'uint32_t']),
    remove: declare('inotify_rm_watch', ['int', 'int']),
  };
  return calls;
}

export function watchOpen(): number {
  return ret(inotify().init(openFlags(O_NONBLOCK | O_CLOEXEC)));
}

export function watchAdd(fd: number, dirFd: number, mask: number): number {
  return ret(inotify().add(fd, procFd(dirFd), mask));
}

export function watchRemove(fd: number, watch: number): number {
  return ret(inotify().remove(fd, watch));
}
