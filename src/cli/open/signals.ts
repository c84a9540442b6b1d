// SPDX-License-Identifier: MIT

import { EXIT, type ExitCode } from '../../base/error.ts';

type Stop = 'SIGINT' | 'SIGTERM' | 'SIGHUP';

const STOPS: readonly (readonly [Stop, ExitCode])[] = [
  ['SIGINT', EXIT.interrupted],
  ['SIGTERM', EXIT.terminated],
  ['SIGHUP', EXIT.terminated],
];

/** Has a signal end this process once `clean` has put away what is not to be left. `but`: one that somebody else looks after. */
export function endBySignals(clean: () => void | Promise<void>, but?: Stop): void {
  let ending = false;
  for (const [signal, code] of STOPS) {
    if (signal === but) continue;
    process.on(signal, () => {
      if (ending) return;
      ending = true;
      void (async () => clean())().finally(() => process.exit(code));
    });
  }
}
