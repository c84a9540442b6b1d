// SPDX-License-Identifier: MIT

import { because, EXIT, NinefoldError } from '../base/error.ts';
import type { TransportSys } from '../transport/sys.ts';

/** Two connected Unix sockets, the caller's to close. `instead`: closed where there is none. Throws NinefoldError NO_CHANNEL (exit 71). */
export function pairOf(sys: TransportSys, instead = -1): readonly [number, number] {
  const pair = sys.socketPair();
  if (typeof pair !== 'number') return pair;
  if (instead >= 0) sys.close(instead);
  throw new NinefoldError({
    code: 'NO_CHANNEL',
    exit: EXIT.osMissing,
    what: 'cannot make',
    on: 'a socket pair',
    why: because(pair),
    remedy: 'close some files, or raise the limit of open files (ulimit -n)',
  });
}
