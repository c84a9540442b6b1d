// SPDX-License-Identifier: MIT

/**
 * The table of docs/ARCHITECTURE.md as data: which room may import which, and what else a source file may pull in.
 * A room may always import from itself. `node`: whether `node:` modules are allowed; a pure room runs where there is no Node
 * (a browser, GJS), so it has none. `packages`: npm packages.
 */
export interface Room {
  readonly rooms: readonly string[] | 'all';
  readonly node: boolean;
  readonly packages: readonly string[];
}

export const ROOMS: Readonly<Record<string, Room>> = {
  base: { rooms: [], node: false, packages: [] },
  p9: { rooms: ['base'], node: false, packages: [] },
  'fuse-abi': { rooms: ['base'], node: false, packages: [] },
  qfile: { rooms: ['base'], node: false, packages: [] },
  proxyfs: { rooms: ['base'], node: false, packages: [] },
  policy: { rooms: ['base'], node: false, packages: ['valibot'] },
  linux: { rooms: ['base'], node: true, packages: ['koffi'] },
  'p9-server': { rooms: ['base', 'p9'], node: true, packages: [] },
  'p9-client': { rooms: ['base', 'p9'], node: true, packages: [] },
  mount: { rooms: ['base', 'fuse-abi', 'p9-client'], node: true, packages: [] },
  filecopy: { rooms: ['base', 'qfile'], node: true, packages: [] },
  proxy: { rooms: ['base', 'proxyfs'], node: true, packages: [] },
  transport: { rooms: ['base'], node: true, packages: [] },
  broker: { rooms: ['base', 'policy', 'transport'], node: true, packages: ['valibot'] },
  sandbox: { rooms: ['base'], node: true, packages: [] },
  // The rooms of the windows lie one deeper. `gi:`: what GJS gives, which has no Node.
  'ui/model': { rooms: ['base', 'policy'], node: false, packages: [] },
  'ui/app': { rooms: ['base', 'ui/model'], node: false, packages: ['gi:', 'system'] },
  'ui/programs': { rooms: ['ui/app'], node: false, packages: ['system'] },
  cli: { rooms: 'all', node: true, packages: ['commander', 'pino', 'valibot'] },
};

/** Files directly in src/ (the library's front): every room but cli and those of the windows. */
export const FRONT: Room = {
  rooms: Object.keys(ROOMS).filter((r) => r !== 'cli' && !r.startsWith('ui/')),
  node: true,
  packages: [],
};

/** No room and no test may import these rooms, but for the room itself. */
export const NOBODY_IMPORTS: readonly string[] = ['cli', 'ui/programs'];

/** Packages that one room alone may touch; tests and benchmarks may not either. */
export const ONLY_IN: Readonly<Record<string, string>> = { koffi: 'linux' };

export const MAX_LINES = 400;
/** Files that may be longer, each with its reason. */
export const LONG_FILES: Readonly<Record<string, string>> = {};

/** Where the text checks look, and in which files. */
export const TEXT_ROOTS: readonly string[] = [
  'src',
  'test',
  'bench',
  'bin',
  'scripts',
  'docs',
  'packaging',
  'po',
  '.ci',
  'README.md',
  'CHANGELOG.md',
];
export const SOURCE = /\.(ts|mts|mjs|js)$/;

/** What no file of the project may contain. The brackets keep the patterns from matching themselves. */
export const FORBIDDEN: readonly { readonly what: string; readonly pattern: RegExp }[] = [
  { what: 'a path of one machine', pattern: /(?<![\w.])\/(?:[w]ork|[f]arm|[t]mp)\/[\w.{}$-]+/ },
  { what: 'unfinished work', pattern: /\b(?:TO[D]O|FIX[M]E)\b/ },
];
