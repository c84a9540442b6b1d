// SPDX-License-Identifier: MIT

import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import { run } from './cli.ts';

/** Shows the folder `from` at `to` by way of FUSE; whoever calls it unmounts. False, and the test skipped, where bindfs is not installed. */
export async function bound(
  t: TestContext,
  from: string,
  to: string,
  ...options: string[]
): Promise<boolean> {
  const made = await run(['bindfs', ...options, from, to]);
  if (/ENOENT/.test(String(made.code))) {
    t.skip('needs the package bindfs');
    return false;
  }
  assert.equal(made.code, 0, made.stderr);
  return true;
}
