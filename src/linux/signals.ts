// SPDX-License-Identifier: MIT

import { declare } from './libc.ts';
import { alloc, pathOf } from './memory.ts';

const sigaction = declare('sigaction', ['int', 'uintptr_t', 'uintptr_t']);

/** struct sigaction of glibc, the same on all 64-bit machines of ours: the handler @0, the mask @8, the flags @136, a restorer @144. */
const SIZE = 152;
const FLAGS = 136;
const SA_RESETHAND = 0x8000_0000;
const SIG_DFL = 0n;

/**
 * For a loop that keeps the thread to itself, so that Node calls no listener: tells whether a signal has come. There has to be a listener (`process.on`), for its handler in C. The kernel
 * takes that away when it runs it (SA_RESETHAND), which can be seen at any time; a second signal ends the process as if nobody listened.
 */
export function notedOnce(signal: number): () => boolean {
  const action = alloc(SIZE);
  sigaction(signal, 0, pathOf(action));
  action.dv.setUint32(FLAGS, action.dv.getUint32(FLAGS, true) | SA_RESETHAND, true);
  sigaction(signal, pathOf(action), 0);
  return () => {
    sigaction(signal, 0, pathOf(action));
    return action.dv.getBigUint64(0, true) === SIG_DFL;
  };
}
