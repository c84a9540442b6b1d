// SPDX-License-Identifier: MIT

import { TOP } from '../helpers/places.ts';
import { type Bench, lastWords } from './run.ts';
import { npm, rsync, sqlite } from './work.ts';

/** A program from outside that uses a folder hard. */
export interface Job {
  name: string;
  /** The command it stands on, and Debian's package of it. */
  needs: { command: string; package: string };
  limitMs: number;
  /** Resolves with what was done, in a few words; rejects when anything was wrong. */
  run(b: Bench): Promise<string>;
}

const MINUTE = 60_000;

/** Stressors of stress-ng's class that need what a shared folder has not: they mount, or ask for a kernel's own files or file flags. */
const NOT_FOR_FOLDERS = [
  'bind-mount',
  'binderfs',
  'procfs',
  'ioprio',
  'verity',
  'eventfd',
  'fiemap',
  'inode-flags',
  'chattr',
  'file-ioctl',
  'fanotify',
];

const ALIGNED = ['--blockalign=4k', '--bsrange=4k-128k'];

const fio =
  (engine: string, more: readonly string[] = []) =>
  async (b: Bench) => {
    const done = await b.must([
      ...[
        'fio',
        '--name=verify',
        `--directory=${b.dir}`,
        `--ioengine=${engine}`,
        '--rw=randrw',
        '--bsrange=512-128k',
      ],
      ...[
        '--size=24m',
        '--numjobs=3',
        '--verify=crc32c',
        '--verify_fatal=1',
        '--verify_state_save=0',
        '--do_verify=1',
      ],
      ...['--randseed=7', '--fsync=64', '--group_reporting', ...more],
    ]);
    if (!/err= 0/.test(done.out)) throw new Error(`fio: ${lastWords(done)}`);
    return '3 jobs of 24 MiB, random blocks of up to 128 KiB, crc32c of each';
  };

export const JOBS: readonly Job[] = [
  {
    name: 'fio, pread and pwrite',
    needs: { command: 'fio', package: 'fio' },
    limitMs: 3 * MINUTE,
    run: fio('psync'),
  },
  {
    name: 'fio, mmap',
    needs: { command: 'fio', package: 'fio' },
    limitMs: 3 * MINUTE,
    run: fio('mmap', ALIGNED),
  },
  {
    name: 'fio, asynchronous and direct',
    needs: { command: 'fio', package: 'fio' },
    limitMs: 3 * MINUTE,
    run: fio('libaio', ['--direct=1', '--iodepth=16', ...ALIGNED]),
  },
  {
    name: 'dbench, 4 clients',
    needs: { command: 'dbench', package: 'dbench' },
    limitMs: 2 * MINUTE,
    run: async (b) => {
      const done = await b.must([
        'dbench',
        '-c',
        '/usr/share/dbench/client.txt',
        '-D',
        b.dir,
        '-t',
        '20',
        '4',
      ]);
      const speed = /^Throughput (.*? MB\/sec)/m.exec(done.out)?.[1];
      // It goes on after an operation that failed, and says so; also without the semaphore that its clients would begin at, which is no file of the mount's.
      const bad = `${done.out}\n${done.err}`
        .split('\n')
        .filter((l) => /fail|error/i.test(l) && !l.startsWith('failed to create barrier semaphore'));
      if (speed === undefined || bad.length > 0)
        throw new Error(`dbench: ${bad.slice(0, 4).join(' | ') || lastWords(done)}`);
      return speed;
    },
  },
  {
    name: 'stress-ng, class filesystem',
    needs: { command: 'stress-ng', package: 'stress-ng' },
    limitMs: 8 * MINUTE,
    run: async (b) => {
      const done = await b.run([
        ...[
          'stress-ng',
          '--class',
          'filesystem',
          '--sequential',
          '1',
          '--timeout',
          '2s',
          '--verify',
          '--metrics-brief',
        ],
        ...['--exclude', NOT_FOR_FOLDERS.join(','), '--temp-path', b.dir, '--oomable'],
      ]);
      const words = `${done.out}\n${done.err}`;
      const failed = [...words.matchAll(/fail:\s+\[\d+\] (.*)/g)].map((m) => m[1]);
      // 3 and 4: a stressor found that it has nothing to do here (stress-ng(1), EXIT STATUS).
      if (failed.length > 0 || ![0, 3, 4].includes(done.code as number))
        throw new Error(
          `stress-ng ended with ${done.code}: ${failed.slice(0, 5).join(' | ') || lastWords(done)}`,
        );
      const ran = /passed: (\d+):/.exec(words)?.[1] ?? String([...words.matchAll(/metrc:.*\d/g)].length);
      return `${ran} stressors of 2 s each, verified`;
    },
  },
  {
    name: 'bonnie++',
    needs: { command: 'bonnie++', package: 'bonnie++' },
    limitMs: 4 * MINUTE,
    run: async (b) => {
      await b.must(['bonnie++', '-d', b.dir, '-r', '32', '-s', '64', '-n', '1', '-f', '-u', 'root', '-q']);
      return '64 MiB, 1,024 small files';
    },
  },
  {
    name: 'git: clone, checkout, commit, gc, fsck',
    needs: { command: 'git', package: 'git' },
    limitMs: 3 * MINUTE,
    run: async (b) => {
      const cwd = `${b.dir}/clone`;
      const git = (...args: string[]) =>
        b.must(['git', '-c', 'user.name=x', '-c', 'user.email=x', '-c', 'safe.directory=*', ...args], {
          cwd,
        });
      await b.must(['git', '-c', 'safe.directory=*', 'clone', '-q', '--no-hardlinks', `file://${TOP}`, cwd]);
      const commits = (await git('rev-list', 'HEAD')).out.trim().split('\n');
      for (const at of [commits.at(-1), commits[commits.length >> 1], 'HEAD@{0}', commits[0]])
        await git('checkout', '-q', at as string);
      await git('mv', 'README.md', 'READ ME.md');
      await git('commit', '-qam', 'x');
      await git('gc', '-q', '--prune=now');
      await git('fsck', '--full', '--strict');
      const left = (await git('status', '--porcelain')).out;
      if (left !== '') throw new Error(`git status shows changes: ${left.slice(0, 200)}`);
      return `${commits.length} commits`;
    },
  },
  {
    name: 'SQLite, both journal modes',
    needs: { command: 'python3', package: 'python3' },
    limitMs: 3 * MINUTE,
    run: sqlite,
  },
  {
    name: 'rsync of odd names, there and back',
    needs: { command: 'rsync', package: 'rsync' },
    limitMs: 2 * MINUTE,
    run: rsync,
  },
  {
    name: 'npm ci of this project',
    needs: { command: 'npm', package: 'npm' },
    limitMs: 5 * MINUTE,
    run: npm,
  },
];
