// SPDX-License-Identifier: MIT

import { join } from 'node:path';
import { PLACES } from '../conformance/places.ts';
import { runInGuest } from '../guest/boot.ts';
import { noGuest } from '../guest/kernel.ts';
import { OUT, TOP } from '../helpers/places.ts';
import type { Outcome } from './contest.ts';
import { NO_QUIRKS, type Quirks } from './steps.ts';

export interface Subject {
  title: string;
  /** Of openTarget. */
  target: string;
  asUser: boolean;
  guest: boolean;
  quirks: Quirks;
}

/** See test/conformance/limits.ts for the source of each. */
const V9FS: Quirks = { ...NO_QUIRKS, wholeSeconds: true, noEmptyValues: true };
/** v9fs_file_read_iter of Linux 6.1 (fs/9p/vfs_file.c) calls p9_client_read_once for those, at most msize less 24 bytes. */
const UNMAPPED: Quirks = { ...V9FS, noMaps: true, readsOnce: true, looksBeforeCopy: true };
/** Longer than any client of ours believes anything (mount/cache-policy.ts). */
const SETTLE_MS = 1100;
/** WATCHED_MS there, and a little more. */
const UNSEEN_MS = 11_000;

const place = (id: string, quirks: Quirks, title?: string, from = id): Subject => {
  const p = PLACES.find((q) => q.id === from);
  if (p === undefined) throw new Error(`no place ${from}`);
  return { title: title ?? p.title, target: p.target, asUser: p.asUser, guest: p.guest, quirks };
};

/** A guest is about this many times slower. */
const GUEST_SLOWNESS = 12;
const BOOT_MS = 120_000;

export const SUBJECTS: Readonly<Record<string, Subject>> = {
  local: place('local', NO_QUIRKS),
  mount: place('mount', NO_QUIRKS),
  'mount-user': place('mount-user', NO_QUIRKS),
  two: place(
    'two',
    { ...NO_QUIRKS, looksBeforeCopy: true, clients: 2, settleMs: SETTLE_MS, unseenMs: UNSEEN_MS },
    'two mounts of ours of one folder',
    'mount',
  ),
  'v9fs-none': place('v9fs-none', UNMAPPED),
  'v9fs-mmap': place('v9fs-mmap', UNMAPPED),
  // Not to be clean: the client itself takes what it has not sent yet for what is there, and leaves old bytes behind an end that moves (test/conformance/limits.ts).
  'v9fs-loose': place('v9fs-loose', V9FS),
  'v9fs-any': place('v9fs-any', UNMAPPED),
  diod: place('diod', UNMAPPED),
};

/** Runs one of them in a guest, with the same program. Rejects when the guest gave no answer. */
export async function inGuest(id: string, seed: number, ms: number): Promise<Outcome> {
  const missing = noGuest();
  if (missing !== undefined) throw new Error(missing);
  let [out, words] = ['', ''];
  const code = await runInGuest({
    command: [
      process.execPath,
      join(OUT, 'test/random/main.js'),
      ...['--json', '--target', id, '--seed', String(seed), '--minutes', String(ms / 60_000)],
    ],
    cwd: '/',
    show: [TOP, OUT],
    env: { NINEFOLD_SLOWNESS: String(GUEST_SLOWNESS) },
    // The shrinking of a failure takes two minutes at the most, and one more whole replay.
    limitMs: ms * 2 + BOOT_MS * 3,
    stdout: (b) => (out += b.toString()),
    stderr: (b) => (words = (words + b.toString()).slice(-2000)),
  });
  const line = out.split('\n').find((l) => l.startsWith('{'));
  if (line === undefined) throw new Error(`the guest ended with ${code}: ${words.trim()}`);
  return JSON.parse(line) as Outcome;
}
