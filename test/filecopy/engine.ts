// SPDX-License-Identifier: MIT
// The receiver without its program: for many streams in little time.

import { closeSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { Receiver } from '../../src/filecopy/index.ts';
import { decodeResult, type PathRules, type Result, UNPACKER_RULES } from '../../src/qfile/index.ts';
import { sys } from '../helpers/linux.ts';
import { LIMITLESS } from './limitless.ts';

/** Lets the engine receive a stream into `dir`; `beside` is a path for two files that are removed again. */
export function unpackHere(
  dir: string,
  stream: Uint8Array,
  beside: string,
  rules: PathRules = UNPACKER_RULES,
): Result | undefined {
  writeFileSync(`${beside}.in`, stream);
  const [readFd, writeFd, rootFd] = [
    openSync(`${beside}.in`, 'r'),
    openSync(`${beside}.out`, 'w'),
    openSync(dir, 'r'),
  ];
  const umask = process.umask(0);
  try {
    new Receiver({
      // A receiver that refuses closes its input itself; here that is done below.
      sys: { ...sys, close: (fd) => (fd === readFd ? 0 : sys.close(fd)) },
      readFd,
      writeFd,
      rootFd,
      rules,
      ...LIMITLESS,
    }).run();
    return decodeResult(readFileSync(`${beside}.out`));
  } finally {
    process.umask(umask);
    for (const fd of [readFd, writeFd, rootFd]) closeSync(fd);
    for (const end of ['in', 'out']) rmSync(`${beside}.${end}`);
  }
}
