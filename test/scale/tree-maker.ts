// SPDX-License-Identifier: MIT
// tree-maker PATH make|disturb: prints what the function returned.

import { disturbTree, makeTree } from './tree.ts';

const [path = '', what] = process.argv.slice(2);
process.stdout.write(JSON.stringify(what === 'make' ? makeTree(path) : disturbTree(path)) ?? 'null');
