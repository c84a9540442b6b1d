// SPDX-License-Identifier: MIT

import {
  O_APPEND,
  O_CREAT,
  O_DIRECTORY,
  O_EXCL,
  O_NOFOLLOW,
  O_NONBLOCK,
  O_RDONLY,
  O_RDWR,
  O_SYNC,
  O_TRUNC,
  O_WRONLY,
} from '../../src/base/sys.ts';
import type { Rng } from './rng.ts';
import type { Quirks, Step } from './steps.ts';

const MAX_OPEN = 24;
const MAX_NAMES = 300;
/** Single names: plain, odd, long, no UTF-8. */
const NAMES = [
  'a',
  'b',
  'c',
  'd',
  'e.txt',
  ' sp ace',
  'new\nline',
  '-rf',
  '...',
  '\xff\xfe',
  '\xc3\xa9',
  'x'.repeat(255),
];
const ATTRIBUTES = ['user.a', 'user.b', 'user.longer name', `user.${'n'.repeat(200)}`, 'user.\xff'];
/** As many removals as root never needs to come below the limit. */
const STUCK = 20;
const MODES = [0o644, 0o600, 0o640, 0o755, 0o700, 0o444, 0o777, 0o1777, 0o2755, 0o4755];
const FILE_SIZES = [0, 1, 100, 4095, 4096, 4097, 10_000, 65_536, 131_073, 300_000, 1_100_000];
const EDGES = [2 ** 31, 2 ** 32];

/** Which names there are, as far as the steps that worked tell, and which files are open. */
export class Known {
  readonly kinds = new Map<string, 'file' | 'folder' | 'other'>([['', 'folder']]);
  readonly open = new Map<number, { path: string; client: number }>();
  nextHandle = 1;

  /** How many trees were to be removed, one after the other. */
  removing = 0;

  /** Notes that `step` worked. */
  note(step: Step): void {
    const { kinds } = this;
    switch (step.do) {
      case 'open':
        this.open.set(step.h, { path: step.path, client: step.client ?? 0 });
        if ((step.flags & O_CREAT) !== 0 && !kinds.has(step.path)) kinds.set(step.path, 'file');
        return;
      case 'close':
        this.open.delete(step.h);
        return;
      case 'mkdir':
        kinds.set(step.path, 'folder');
        return;
      case 'symlink':
      case 'mknod':
        kinds.set(step.path, 'other');
        return;
      case 'link':
        kinds.set(step.to, kinds.get(step.path) ?? 'file');
        return;
      case 'unlink':
      case 'rmdir':
        kinds.delete(step.path);
        return;
      case 'removeTree':
        for (const p of [...kinds.keys()])
          if (p === step.path || p.startsWith(`${step.path}/`)) kinds.delete(p);
        return;
      case 'rename': {
        const moved = [...kinds].filter(([p]) => p === step.path || p.startsWith(`${step.path}/`));
        for (const [p] of moved) kinds.delete(p);
        for (const [p, kind] of moved) kinds.set(step.to + p.slice(step.path.length), kind);
        return;
      }
      case 'remount':
        this.open.clear();
    }
  }
}

/** The next step: mostly something that can work, now and then something that cannot. */
export function nextStep(rng: Rng, known: Known, quirks: Quirks, lastClient: number): Step {
  // Another client's turn costs the time until it has noticed everything.
  const client = quirks.clients > 1 && rng.once(40) ? rng.below(quirks.clients) : lastClient;
  return quirks.clients > 1
    ? { ...make(rng, known, quirks, client), client }
    : make(rng, known, quirks, client);
}

function make(rng: Rng, known: Known, quirks: Quirks, client: number): Step {
  const mine = [...known.open].filter(([, o]) => o.client === client).map(([h]) => h);
  if (known.kinds.size > MAX_NAMES) {
    known.removing++;
    // A plain user's own modes may stand in the way, and for ever.
    if (known.removing > STUCK && !rng.once(4))
      return { do: 'chmod', path: existing(rng, known, 'folder', true), mode: 0o700 };
    return { do: 'removeTree', path: existing(rng, known, 'folder', true) };
  }
  known.removing = 0;
  if (rng.once(quirks.clients > 1 ? 150 : 400)) return { do: 'compare' };
  if (rng.once(3000)) return { do: 'remount' };
  if (known.open.size < MAX_OPEN && rng.once(12)) return opening(rng, known);
  if (mine.length > 0 && rng.below(10) < 4) return onHandle(rng, quirks, mine, known);
  return onPath(rng, known, quirks);
}

function opening(rng: Rng, known: Known): Step {
  const access = rng.pick([O_RDONLY, O_WRONLY, O_RDWR, O_RDWR]);
  const extra = rng.pick([
    0,
    0,
    O_CREAT,
    O_CREAT,
    O_CREAT | O_EXCL,
    O_TRUNC,
    O_CREAT | O_TRUNC,
    O_APPEND,
    O_APPEND | O_CREAT,
    O_SYNC,
    O_DIRECTORY,
  ]);
  let path = (extra & O_CREAT) !== 0 && rng.once(2) ? fresh(rng, known) : anything(rng, known, 'file');
  // A fifo is open in the local kernel alone: once it has no name, a target does not know it any more.
  if (known.kinds.get(path) === 'other') path = existing(rng, known, 'file');
  return {
    do: 'open',
    h: known.nextHandle++,
    path,
    // A fifo must not be waited for.
    flags: access | extra | O_NOFOLLOW | O_NONBLOCK,
    mode: rng.pick(MODES) & 0o777,
  };
}

function onHandle(rng: Rng, quirks: Quirks, mine: readonly number[], _known: Known): Step {
  const h = rng.pick(mine);
  switch (rng.below(15)) {
    case 0:
    case 1:
      return { do: 'close', h };
    case 2:
      return { do: 'fstat', h };
    case 3:
      return { do: rng.pick(['fsync', 'fdatasync'] as const), h };
    case 4:
      return { do: 'ftruncate', h, size: size(rng) };
    case 5:
      return { do: 'fchmod', h, mode: rng.pick(MODES) & 0o777 };
    case 6:
      return { do: 'futimes', h, ...time(rng, quirks) };
    case 7:
      return { do: rng.pick(['read', 'write'] as const), h, size: length(rng), seed: rng.next() };
    case 8:
      return { do: 'copy', from: h, to: rng.pick(mine), at: place(rng), size: length(rng), seed: rng.next() };
    case 9:
    case 10:
    case 11:
      return { do: 'pread', h, at: place(rng), size: length(rng), seed: 0 };
    default:
      return { do: 'pwrite', h, at: place(rng), size: length(rng), seed: rng.next() };
  }
}

function onPath(rng: Rng, known: Known, quirks: Quirks): Step {
  const any = (): string => anything(rng, known);
  switch (rng.below(26)) {
    case 0:
    case 1:
      return {
        do: 'mkdir',
        path: rng.once(4) ? any() : fresh(rng, known),
        mode: rng.pick([0o755, 0o755, 0o700, 0o777]),
      };
    case 2:
      return { do: 'rmdir', path: any() };
    case 3:
    case 4:
      return { do: 'unlink', path: anything(rng, known, 'file') };
    case 5:
    case 6:
    case 7:
      return { do: 'rename', path: any(), to: rng.once(2) ? fresh(rng, known) : any() };
    case 8:
      return { do: 'link', path: anything(rng, known, 'file'), to: rng.once(4) ? any() : fresh(rng, known) };
    case 9:
      return { do: 'symlink', path: rng.once(4) ? any() : fresh(rng, known), to: target(rng) };
    case 10:
      return {
        do: 'mknod',
        path: rng.once(4) ? any() : fresh(rng, known),
        mode: 0o010600 | (rng.pick(MODES) & 0o77),
      };
    case 11:
      return { do: 'chmod', path: any(), mode: rng.pick(MODES) };
    case 12:
    case 13:
      return { do: 'utimes', path: any(), ...time(rng, quirks) };
    case 14:
      return { do: 'readlink', path: any() };
    case 15:
      return { do: 'list', path: anything(rng, known, 'folder') };
    case 16:
      return { do: 'listxattr', path: any() };
    case 17: {
      const least = quirks.noEmptyValues ? 1 : 0;
      const n = rng.pick([least, 1, 10, 255, 1000, 3000, 5000, 20_000, 65_536, 65_537]);
      return {
        do: 'setxattr',
        path: any(),
        name: rng.pick(ATTRIBUTES),
        size: n,
        seed: rng.next(),
        flags: rng.pick([0, 0, 0, 1, 2]),
      };
    }
    case 18:
      return { do: 'getxattr', path: any(), name: rng.pick(ATTRIBUTES) };
    case 19:
      return { do: 'removexattr', path: any(), name: rng.pick(ATTRIBUTES) };
    case 20:
      return { do: 'truncate', path: anything(rng, known, 'file'), size: size(rng) };
    case 21:
      return { do: 'readAll', path: anything(rng, known, 'file') };
    case 22:
      if (quirks.noMaps || !rng.once(4)) return { do: 'stat', path: any() };
      return {
        do: rng.pick(['mapWrite', 'mapRead'] as const),
        path: existing(rng, known, 'file'),
        at: place(rng) % 300_000,
        size: 1 + (length(rng) % 9000),
        seed: rng.next(),
      };
    case 23:
      return rng.once(6)
        ? { do: 'removeTree', path: existing(rng, known, 'folder', true) }
        : { do: 'stat', path: any() };
    default:
      return { do: 'stat', path: any() };
  }
}

/** A name that is there, of that kind if there is one; `inner`: not the top. */
function existing(rng: Rng, known: Known, kind?: 'file' | 'folder', inner = false): string {
  const all = [...known.kinds].filter(([p, k]) => (kind === undefined || k === kind) && !(inner && p === ''));
  return all.length === 0 ? (inner ? 'a' : '') : (rng.pick(all)[0] as string);
}

/** A name that may be there, in a folder that is. */
function fresh(rng: Rng, known: Known): string {
  const dir = existing(rng, known, 'folder');
  // Not deeper than a path's length allows under any folder.
  const base = dir.length > 1500 ? '' : dir;
  const name = rng.once(3) ? `n${rng.below(1000)}` : rng.pick(NAMES);
  return base === '' ? name : `${base}/${name}`;
}

function anything(rng: Rng, known: Known, kind?: 'file' | 'folder'): string {
  const n = rng.below(20);
  if (n < 14) return existing(rng, known, n < 11 ? kind : undefined, true);
  if (n < 17) return fresh(rng, known);
  if (n === 17) return `${existing(rng, known, undefined, true)}/${rng.pick(NAMES)}`;
  if (n === 18) return `none/${rng.pick(NAMES)}`;
  return `${'y'.repeat(256)}`;
}

const size = (rng: Rng): number =>
  rng.once(60) ? rng.pick(EDGES) + rng.below(5000) : rng.pick(FILE_SIZES) + rng.below(3);
const place = (rng: Rng): number =>
  rng.once(80) ? rng.pick(EDGES) - rng.below(3000) : rng.once(3) ? rng.pick(FILE_SIZES) : rng.below(310_000);
const length = (rng: Rng): number => (rng.once(3) ? rng.pick(FILE_SIZES) : rng.below(20_000));

/** Long ago, so that a time that was set is told from one of now (world.ts). */
const time = (rng: Rng, quirks: Quirks): { sec: number; nsec: number } => ({
  sec: 1 + rng.below(900_000_000),
  nsec: quirks.wholeSeconds ? 0 : rng.below(1_000_000_000),
});

function target(rng: Rng): string {
  return rng.pick([
    'a',
    '../b',
    'nowhere',
    '/etc/passwd',
    '.',
    't'.repeat(1 + rng.below(4095)),
    '\xff\xfe',
    ' ',
  ]);
}
