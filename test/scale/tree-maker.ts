// SPDX-License-Identifier: MIT
// tree-maker PATH make|disturb

import { disturbTree, makeTree } from './tree.ts';

const [path = '', what] = process.argv.slice(2);
if (what === 'make') makeTree(path);
else disturbTree(path);
process.stdout.write('null');
