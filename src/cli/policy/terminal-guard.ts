// SPDX-License-Identifier: MIT
// What keeps a question at a terminal from taking keys that were meant for something else: another question, the shell.

import { POLLERR, POLLHUP, POLLIN, POLLNVAL } from '../../base/sys.ts';
import { openSys } from '../../linux/index.ts';
import { flushTyped } from '../../linux/terminal.ts';

/** What is typed so soon after a question came was begun before it was read. */
export const GUARD_MS = 1000;
/** How often it is looked whether anybody still waits for the answer. */
const LOOK_MS = 100;
/** Who asks ends us when its patience is over; where it does not, we end by ourselves so much later. */
const GRACE_MS = 1000;
const GONE = POLLERR | POLLHUP | POLLNVAL;

/** Forgets what was typed and not read. True: there were whole lines, which may have been meant for this. */
export function forgetTyped(fd: number): boolean {
  const early = (look(fd, POLLIN) & POLLIN) !== 0;
  flushTyped(fd);
  return early;
}

/** When a question is over without an answer: resolves with the sentence that says why. It keeps the process alive until then. `answerFd`: where the answer would go. */
export function overAfter(patienceS: number, answerFd: number): Promise<string> {
  return new Promise((resolve) => {
    const inTime = 'Nobody answered in time: refused.';
    process.once('SIGTERM', () => resolve(inTime));
    setTimeout(() => resolve(inTime), patienceS * 1000 + GRACE_MS);
    setInterval(() => {
      if ((look(answerFd, 0) & GONE) !== 0) resolve('Nobody waits for the answer any more: refused.');
    }, LOOK_MS);
  });
}

/** What poll(2) says of a descriptor at once. */
function look(fd: number, events: number): number {
  const sys = openSys();
  const pollfd = sys.alloc(8);
  pollfd.dv.setInt32(0, fd, true);
  pollfd.dv.setUint32(4, events, true);
  return sys.poll(pollfd, 1, 0) > 0 ? pollfd.dv.getUint16(6, true) : 0;
}
