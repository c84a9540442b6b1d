// SPDX-License-Identifier: MIT

import { isAbsolute } from 'node:path';

/** A folder that a variable of the XDG Base Directory Specification names. One that is not absolute is to be ignored, it says: what is kept would depend on where a program is started. */
export const xdgFolder = (named: string | undefined, otherwise: string): string =>
  named !== undefined && isAbsolute(named) ? named : otherwise;
