// SPDX-License-Identifier: MIT

export interface Tier {
  readonly name: string;
  /** What it shows, for the page. */
  readonly what: string;
  readonly command: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** Seconds after which it is ended, and has failed. */
  readonly limit: number;
}

const test = (file: string): string[] => ['node', '--test', '--test-reporter=tap', `dist/${file}.test.js`];

/** The longest first: two of them run at a time, and whoever is done takes the next. */
export const TIERS: readonly Tier[] = [
  {
    name: 'conformance',
    what: 'All cases on all targets',
    command: ['npm', 'run', '--silent', '--if-present', 'conformance'],
    limit: 2400,
  },
  {
    name: 'soak',
    what: 'Mixed load, with memory, descriptors and latency judged flat (an hour of it: RELIABILITY.md)',
    command: ['node', 'dist/test/soak/main.js', '--minutes', process.env.NINEFOLD_SOAK_MINUTES ?? '15'],
    limit: 2400,
  },
  {
    name: 'mutants',
    what: 'Each defence taken out, and an attack that notices (ATTACKS.md has all of the last complete run; an interrupted one goes on with --resume)',
    command: ['node', 'dist/test/attacks/mutants.js'],
    limit: 1800,
  },
  {
    name: 'load',
    what: 'Programs of others on the mount: fio, dbench, git, SQLite, rsync and more',
    command: ['npm', 'run', '--silent', '--if-present', 'load'],
    limit: 1200,
  },
  {
    name: 'proxy-mutants',
    what: 'The same for virtfs-proxy-helper',
    command: ['node', 'dist/test/attacks/proxy/mutants.js'],
    limit: 900,
  },
  {
    name: 'power',
    what: 'The power fails (EXT4_IOC_SHUTDOWN without a log flush) under a served ext4 while two writers work through a mount of it; each step that was acknowledged by fsync must be there afterwards',
    command: test('test/faults/power'),
    env: { NINEFOLD_CUTS: process.env.NINEFOLD_CUTS ?? '1000' },
    limit: 2400,
  },
  {
    name: 'fuzz-server',
    what: 'Sequences of requests, mutated frames and any bytes against the server',
    command: test('test/fuzz/server'),
    env: { NINEFOLD_FUZZ_MS: '60000' },
    limit: 420,
  },
  {
    name: 'random',
    what: 'Random operations on the mount and on a folder beside it, compared',
    command: ['npm', 'run', '--silent', '--if-present', 'random'],
    limit: 1800,
  },
  {
    name: 'kills',
    what: 'Server, mount process and channel are ended at any moment while a writer works and someone else works in another share',
    command: test('test/faults/killed'),
    env: { NINEFOLD_KILLS: process.env.NINEFOLD_KILLS ?? '40' },
    limit: 900,
  },
  {
    name: 'kills-listing',
    what: 'The mount process is ended at any moment while threads of its own list folders through the mount, for a program that looks up one name after the other',
    command: test('test/faults/killed-listing'),
    env: { NINEFOLD_KILLS: process.env.NINEFOLD_KILLS ?? '100' },
    limit: 900,
  },
  {
    name: 'fuzz-qfile',
    what: 'A million cases for each decoder of copied files, of open-in-VM and of requests for folders',
    command: test('test/fuzz/qfile'),
    env: { NINEFOLD_FUZZ_CASES: process.env.NINEFOLD_FUZZ_CASES ?? '1000000' },
    limit: 900,
  },
  {
    name: 'guest-faults',
    what: 'In a guest, whose kernel has them: a user\u2019s quota, and by device-mapper a disk that is gone, one that takes no writes, one with a bad spot',
    command: test('test/guest/faults'),
    limit: 600,
  },
  {
    name: 'races',
    what: 'A million walks while a symbolic link out of the share is swapped in',
    command: test('test/attacks/races'),
    env: { NINEFOLD_WALKS: '1000000' },
    limit: 420,
  },
  {
    name: 'fuzz-model',
    what: 'Random sessions on the server against a model of fids, files and tags',
    command: test('test/fuzz/model'),
    env: { NINEFOLD_FUZZ_MS: '60000' },
    limit: 180,
  },
  {
    name: 'disk',
    what: 'A full disk, a disk made read-only, a disk that gave up',
    command: test('test/faults/disk'),
    limit: 300,
  },
  {
    name: 'starved',
    what: 'Few descriptors, little memory, memory that runs out, a client that never reads',
    command: test('test/faults/starved'),
    limit: 300,
  },
  { name: 'deaf', what: 'A server that never reads', command: test('test/faults/deaf'), limit: 120 },
  {
    name: 'errors',
    what: 'Each system call of a session fails once, with each of four errors',
    command: test('test/faults/errors'),
    limit: 300,
  },
  {
    name: 'slow-disk',
    what: 'Looks at files while eight reads wait for a disk of 1 MiB a second',
    command: test('test/faults/slow-disk'),
    limit: 120,
  },
  {
    name: 'fuzz-decoders',
    what: 'A million cases for each decoder of 9P, both ways, and of listings',
    command: test('test/fuzz/decoders'),
    env: { NINEFOLD_FUZZ_CASES: process.env.NINEFOLD_FUZZ_CASES ?? '1000000' },
    limit: 1200,
  },
  {
    name: 'fuzz-proxy',
    what: 'A million cases for each decoder of the proxy helper',
    command: test('test/fuzz/proxy'),
    env: { NINEFOLD_FUZZ_CASES: process.env.NINEFOLD_FUZZ_CASES ?? '1000000' },
    limit: 900,
  },
  {
    name: 'fuzz-engine',
    what: 'A million FUSE requests and 9P replies of any content against the mount\u2019s engine',
    command: test('test/fuzz/engine'),
    env: { NINEFOLD_FUZZ_CASES: process.env.NINEFOLD_FUZZ_CASES ?? '1000000' },
    limit: 1200,
  },
];
