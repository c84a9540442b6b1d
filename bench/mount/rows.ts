// SPDX-License-Identifier: MIT

import { spawnSync } from 'node:child_process';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Place } from '../common/folder.ts';
import { GIT_FLAGS, restoreIndex } from './tree.ts';

/** Where things are for one measurement: the served folder itself, the same through the system measured, and the small files to copy in. */
export interface Places {
  readonly served: string;
  readonly root: string;
  readonly small: string;
  /** MiB that the write row writes. */
  readonly writeMiB: number;
}

/** One thing that a person does and waits for: one row of the table. */
export interface Step {
  readonly key: string;
  readonly title: string;
  /** First-time rows are to be at or under bindfs. */
  readonly first: boolean;
  argv(p: Places): readonly [string, ...string[]];
  /** Exit codes that mean it worked; [0] when left out. */
  readonly ok?: readonly number[];
}

/** Steps on one fresh mount, one after the other. */
export interface Scenario {
  readonly steps: readonly Step[];
  /** In memory when left out: there nothing but the systems is measured. */
  readonly place?: Place;
  /** The first step begins as soon as the mount is there; else when it has been there for a moment. */
  readonly atOnce?: boolean;
  /** Directly on the served folder, before the mount and not measured. */
  reset?(p: Places): void;
}

function pair(key: string, title: string, argv: Step['argv'], ok: readonly number[] = [0]): Step[] {
  return [
    { key: `${key}-first`, title: `${title}, first`, first: true, argv, ok },
    { key: `${key}-again`, title: `${title}, again`, first: false, argv, ok },
  ];
}

function gitStatus(p: Places, ...flags: string[]): [string, ...string[]] {
  return ['git', ...flags, ...GIT_FLAGS, '-C', join(p.root, 'tree'), 'status', '--porcelain'];
}

/** The mount's rows. `first`: on a fresh mount, with all that is served in memory. */
export const SCENARIOS: readonly Scenario[] = [
  { steps: pair('find', '`find -ls`', (p) => ['find', join(p.root, 'tree'), '-ls']) },
  // As prompts and editors ask: without writing. Git distrusts an index whose inode numbers and times a mount does not show alike, and reads every file.
  {
    steps: pair('git', '`git status`', (p) => gitStatus(p, '--no-optional-locks')),
    reset: (p) => restoreIndex(p.served),
  },
  {
    atOnce: true,
    steps: [
      {
        key: 'git-at-once',
        title: '`git status`, at once',
        first: false,
        argv: (p) => gitStatus(p, '--no-optional-locks'),
      },
    ],
    reset: (p) => restoreIndex(p.served),
  },
  // As a person types it: the first one writes what it learned into the index, so that the second need not read again.
  {
    steps: pair('git-index', '`git status` that writes the index', (p) => gitStatus(p)),
    reset: (p) => restoreIndex(p.served),
  },
  // A word that no file holds: every file is read to its end (grep would stop at a match, its output being /dev/null), and the exit code is 1.
  { steps: pair('grep', '`grep -r`', (p) => ['grep', '-r', 'Zyxwvut', join(p.root, 'tree')], [1]) },
  {
    steps: pair('read', 'read 512 MB', (p) => [
      'dd',
      `if=${join(p.root, 'big')}`,
      'of=/dev/null',
      'bs=1M',
      'status=none',
    ]),
  },
  {
    place: 'disk',
    steps: [
      {
        key: 'write',
        title: 'write 256 MB + fsync',
        first: false,
        argv: (p) => [
          'dd',
          'if=/dev/zero',
          `of=${join(p.root, 'out/written')}`,
          'bs=1M',
          `count=${p.writeMiB}`,
          'conv=fsync',
          'status=none',
        ],
      },
    ],
    reset: (p) => {
      rmSync(join(p.served, 'out/written'), { force: true });
      // What others wrote must not be what the fsync waits for.
      spawnSync('sync', ['-f', p.served]);
    },
  },
  {
    steps: [
      {
        key: 'cp',
        title: '`cp -r` of small files in',
        first: false,
        argv: (p) => ['cp', '-r', p.small, join(p.root, 'out/copied')],
      },
      {
        key: 'rm',
        title: '`rm -r` of them',
        first: false,
        argv: (p) => ['rm', '-r', join(p.root, 'out/copied')],
      },
    ],
    reset: (p) => rmSync(join(p.served, 'out/copied'), { recursive: true, force: true }),
  },
];
