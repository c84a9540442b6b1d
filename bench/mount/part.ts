// SPDX-License-Identifier: MIT

import type { BenchArgs } from '../args.ts';
import type { Cleanup } from '../common/cleanup.ts';
import type { Part } from '../page.ts';

export async function mountPart(_args: BenchArgs, _cleanup: Cleanup): Promise<Part | undefined> {
  return undefined;
}
