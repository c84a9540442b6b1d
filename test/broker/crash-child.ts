// SPDX-License-Identifier: MIT
// Changes a store and is killed by itself at a chosen step: `node crash-child.js DIR STEP CHANGE`, CHANGE being a list of rules as JSON. STEP 0: it
// makes changes without an end, for others to kill it at any moment.

import type { StoreFiles } from '../../src/broker/files.ts';
import { storeFiles } from '../../src/broker/files.ts';
import { withRule } from '../../src/policy/change.ts';
import type { Rule } from '../../src/policy/rule.ts';
import { openStore, rule } from './ground.ts';

const [dir = '', stepText = '0', change = '[]'] = process.argv.slice(2);
let left = Number(stepText);

/** SIGKILL: nothing of this process runs after it. */
function step(half?: () => void): void {
  if (--left !== 0) return;
  half?.();
  process.kill(process.pid, 'SIGKILL');
  for (;;);
}

const killing: StoreFiles = {
  read: (path) => storeFiles.read(path),
  write(path, text, like) {
    step();
    step(() => storeFiles.write(path, text.slice(0, text.length / 2), like));
    storeFiles.write(path, text, like);
    step();
  },
  rename(from, to) {
    step();
    storeFiles.rename(from, to);
    step();
  },
  link(from, to) {
    step();
    storeFiles.link(from, to);
    step();
  },
  syncFolder(path) {
    storeFiles.syncFolder(path);
    step();
  },
};

const store = openStore(dir, left > 0 ? killing : storeFiles);
if (left > 0) await store.change(() => ({ rules: JSON.parse(change) as Rule[], result: undefined }));
else
  for (let i = 0; ; i++) {
    await store.change((rules) => ({
      rules:
        i % 3 === 2
          ? rules.slice(1)
          : withRule(rules, rule(i % 5 === 0 ? 'deny' : 'allow', `/folder/${i % 7}`)),
      result: undefined,
    }));
    if (i === 0) process.stdout.write('begun\n');
  }
