// SPDX-License-Identifier: MIT
// look DIR COUNT SECONDS: looks at the files 0 … COUNT − 1 of DIR, one every 2 ms, and prints the times, sorted, in ms, as JSON.

import { statSync } from 'node:fs';
import { join } from 'node:path';

const [dir = '', count = '0', seconds = '0'] = process.argv.slice(2);
const times: number[] = [];
const until = performance.now() + Number(seconds) * 1000;
for (let i = 0; performance.now() < until; i++) {
  const begin = performance.now();
  statSync(join(dir, String(i % Number(count))));
  times.push(performance.now() - begin);
  await new Promise((resolve) => setTimeout(resolve, 2));
}
process.stdout.write(JSON.stringify(times.sort((a, b) => a - b)));
