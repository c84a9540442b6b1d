// SPDX-License-Identifier: MIT

import { numberOption } from '../values.ts';

const NAME = 'NINEFOLD_MAX_BYTES';

/** The largest file that is taken in; 0 in the environment is no limit. Throws NinefoldError OPTION_VALUE (exit 64): a limit that is not understood is none. */
export function maxBytes(unset: number, env: NodeJS.ProcessEnv = process.env): number {
  const text = env[NAME] ?? '';
  if (text === '') return unset;
  const limit = numberOption(NAME, text, 0, Number.MAX_SAFE_INTEGER);
  return limit === 0 ? Number.POSITIVE_INFINITY : limit;
}
