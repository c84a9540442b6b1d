// SPDX-License-Identifier: MIT
// make-files PATH PREFIX COUNT: empty files PREFIX000000… in a folder.

import { closeSync, openSync } from 'node:fs';
import { join } from 'node:path';

const [path = '', prefix = '', count = ''] = process.argv.slice(2);
for (let i = 0; i < Number(count); i++)
  closeSync(openSync(join(path, prefix + String(i).padStart(6, '0')), 'wx'));
process.stdout.write('null');
