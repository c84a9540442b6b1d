// SPDX-License-Identifier: MIT

import { fstatSync } from 'node:fs';
import { EXIT } from '../../base/error.ts';
import { encodeNameBlock } from '../../qfile/index.ts';
import { openError } from './errors.ts';
import { maxBytes } from './limit.ts';
import type { Original, Reply } from './original.ts';
import { copyAll, writeFully } from './streams.ts';

/** A larger reply is no edit of a document; NINEFOLD_MAX_BYTES says otherwise. */
const REPLY_MAX = 16 * 2 ** 30;

export interface Conversation {
  readonly readFd: number;
  readonly writeFd: number;
  /** Tells the other side that the file is over. */
  readonly endOfFile: () => void;
  readonly viewOnly: boolean;
}

/**
 * Sends the file and takes in the reply; the bytes of it. `reply` undefined: it is read and forgotten. Rejects with NinefoldError OPEN_LOST (exit 69), or OPTION_VALUE (64) before anything is sent.
 */
export async function converse(
  { readFd, writeFd, endOfFile, viewOnly }: Conversation,
  original: Original,
  reply: Reply | undefined,
): Promise<number> {
  const limit = maxBytes(REPLY_MAX);
  try {
    await writeFully(writeFd, encodeNameBlock(original.name, viewOnly));
    await copyAll(original.fd, writeFd);
    endOfFile();
  } catch (error) {
    throw lost(error, 'the other side did not take the file');
  }
  let length: number;
  try {
    length = await copyAll(readFd, reply?.fd ?? -1, reply === undefined ? undefined : limit);
  } catch (error) {
    throw lost(error, 'the reply could not be taken in; the file is as it was');
  }
  if (reply !== undefined && length > limit)
    throw lost(`the reply is larger than ${limit} bytes`, 'nothing of it was used');
  return reply === undefined ? 0 : fstatSync(reply.fd).size;
}

const lost = (why: unknown, remedy: string): Error =>
  openError('OPEN_LOST', 'cannot finish', 'the conversation', why, remedy, EXIT.unavailable);
