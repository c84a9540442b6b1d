// SPDX-License-Identifier: MIT
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { EACCES, EINVAL, ENOENT, ENOSYS } from '../base/errno.ts';
import { type Confiner, launchLandlocked } from './launch.ts';

const ORDER = {
  rules: [],
  shareFd: 5,
  fds: [],
  readOnly: false,
  capabilities: [],
  dieWithParent: false,
  argv: ['/opt/node'],
};

/** A machine on which everything else succeeds, but there is no such program. */
function withRings(refuseRings: number): Confiner {
  return {
    openPath: () => 9,
    isFile: () => false,
    restrict: () => 0,
    keepCapabilities: () => 0,
    refuseRings: () => refuseRings,
    setParentDeathSignal: () => 0,
    setCloseOnExec: () => 0,
    execve: () => -ENOENT,
  };
}

test('a kernel without filters of calls is no reason not to start; a filter that it does not take is', () => {
  for (const r of [0, -EINVAL, -ENOSYS])
    assert.throws(() => launchLandlocked(ORDER, withRings(r), {}), { code: 'EXEC_FAILED', exit: 71 });
  assert.throws(() => launchLandlocked(ORDER, withRings(-EACCES), {}), { code: 'LANDLOCK_FAILED', exit: 71 });
});
