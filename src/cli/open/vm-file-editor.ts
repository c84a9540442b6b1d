// SPDX-License-Identifier: MIT

import { createHash } from 'node:crypto';
import {
  chmodSync,
  closeSync,
  constants,
  existsSync,
  mkdtempSync,
  openSync,
  readSync,
  rmSync,
} from 'node:fs';
import { join } from 'node:path';
import { EXIT } from '../../base/error.ts';
import { decodeNameBlock, localName, NAME_BLOCK } from '../../qfile/index.ts';
import { describe, say } from '../report.ts';
import { openError } from './errors.ts';
import { maxBytes } from './limit.ts';
import { endBySignals } from './signals.ts';
import { copyAll, readFully } from './streams.ts';
import { view } from './viewer.ts';

const PROGRAM = 'vm-file-editor';
const FAILED = 1;
const TMP = '/tmp';
const { O_RDONLY, O_WRONLY, O_CREAT, O_EXCL, O_NOFOLLOW } = constants;

/** `vm-file-editor`, the service qubes.OpenInVM: takes a file in, has it opened, and sends it back if it was changed. Exit 0 or 1. */
export function editorMain(): void {
  let dir: string | undefined;
  const clean = (): void => {
    if (dir !== undefined) rmSync(dir, { recursive: true, force: true });
    dir = undefined;
  };
  endBySignals(clean);
  run((made) => {
    dir = made;
  }).then(
    () => {
      clean();
      process.exit(0);
    },
    (error: unknown) => {
      clean();
      say(`${PROGRAM}: ${describe(error).line}`);
      process.exit(FAILED);
    },
  );
}

async function run(made: (dir: string) => void): Promise<void> {
  const origin = process.env.QREXEC_REMOTE_DOMAIN ?? '';
  if (origin === '' || origin.includes('/') || origin === '.' || origin === '..')
    throw failed('the request', 'QREXEC_REMOTE_DOMAIN does not say who sends', 'start it as a service');
  const limit = maxBytes(Number.POSITIVE_INFINITY);
  const block = new Uint8Array(NAME_BLOCK);
  if ((await readFully(0, block, NAME_BLOCK)) < NAME_BLOCK)
    throw failed('the request', 'it ended within the name', 'send it again');
  const { name, viewOnly } = decodeNameBlock(block);
  const safe = localName(name);
  if (safe === undefined) throw failed('the request', 'its name is empty or has a "/"', 'send a file');
  const dir = mkdtempSync(join(TMP, `${origin}-`));
  made(dir);
  const path = join(dir, safe);
  const before = await receive(path, limit);
  if (viewOnly) chmodSync(path, 0o400);
  const status = await view(path);
  if (status !== 0) say(`${PROGRAM}: no program could open ${safe} (exit status ${status})`);
  // Nothing that was done to a file which was only to be looked at goes back.
  if (viewOnly) return;
  await sendBack(path, safe, before);
}

/** Resolves with what the file holds, as a hash. */
async function receive(path: string, limit: number): Promise<string> {
  const fd = openSync(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0o600);
  try {
    if ((await copyAll(0, fd, limit)) > limit)
      throw failed('the file', `it is larger than ${limit} bytes`, 'raise NINEFOLD_MAX_BYTES');
  } finally {
    closeSync(fd);
  }
  return hashOf(path);
}

async function sendBack(path: string, name: string, before: string): Promise<void> {
  if (!existsSync(path))
    throw failed(
      name,
      'it was removed or renamed while it was open, so nothing goes back',
      'save it under its own name',
    );
  if (hashOf(path) === before) return;
  const fd = openSync(path, O_RDONLY | O_NOFOLLOW);
  try {
    if ((await copyAll(fd, 1)) === 0)
      say(
        `${PROGRAM}: ${name} is empty now, which cannot be told: the file stays as it was where it came from`,
      );
  } finally {
    closeSync(fd);
  }
}

function hashOf(path: string): string {
  const hash = createHash('sha256');
  const fd = openSync(path, O_RDONLY | O_NOFOLLOW);
  const buffer = Buffer.alloc(1 << 18);
  try {
    for (;;) {
      const n = readSync(fd, buffer, 0, buffer.length, null);
      if (n === 0) return hash.digest('hex');
      hash.update(buffer.subarray(0, n));
    }
  } finally {
    closeSync(fd);
  }
}

const failed = (on: string, why: string, remedy: string): Error =>
  openError('OPEN_SERVICE', 'cannot open', on, why, remedy, EXIT.unavailable);
