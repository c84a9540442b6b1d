// SPDX-License-Identifier: MIT
// The launcher of `--sandbox landlock`: restricts itself, then becomes the program that its one argument names.

import { fstatSync } from 'node:fs';
import { AT_FDCWD, O_PATH } from '../../base/sys.ts';
import { setCloseOnExec } from '../../linux/descriptors.ts';
import { openSys } from '../../linux/index.ts';
import { landlockRestrict } from '../../linux/landlock.ts';
import { cstring } from '../../linux/memory.ts';
import { type CapName, execve, keepCapabilities, setParentDeathSignal } from '../../linux/process.ts';
import { refuseRings } from '../../linux/seccomp.ts';
import { launchLandlocked } from '../../sandbox/launch.ts';
import type { LandlockOrder } from '../../sandbox/plan.ts';
import { die } from '../report.ts';

try {
  const sys = openSys();
  launchLandlocked(
    JSON.parse(process.argv[2] ?? '') as LandlockOrder,
    {
      openPath: (path) => sys.openat(AT_FDCWD, cstring(path), O_PATH, 0),
      isFile: (fd) => !fstatSync(fd).isDirectory(),
      restrict: landlockRestrict,
      keepCapabilities: (names) => keepCapabilities(names as readonly CapName[]),
      refuseRings,
      setParentDeathSignal,
      setCloseOnExec,
      execve,
    },
    process.env as Record<string, string>,
  );
} catch (error) {
  die('landlock', error);
}
