// SPDX-License-Identifier: MIT

/** What rooms that talk to a 9P server need: this room re-exports the few names of p9/ that belong to it. */
export { BAD_FRAME, NEED_MORE } from '../p9/codec.ts';
export * from '../p9/constants.ts';
export { DIRENT_FIXED, Dirent, readDirent } from '../p9/dirent.ts';
export { BY_TYPE, RLERROR, T } from '../p9/messages.ts';
export { ALL_SENT, Channel, MORE_TO_SEND } from './channel.ts';
export { cleanErrno } from './errno.ts';
export { EOF_QUIET, EOF_QUIET_MS, EXT } from './extension.ts';
export { AT, GETATTR_BODY } from './getattr-body.ts';
export { putWriteHeader, REQUEST_MAX, Requests, WRITE_HEADER } from './requests.ts';
export { type AttachOptions, attachSession, ioUnit, ROOT_FID, type Session } from './session.ts';
export { symlinkSize, walkable } from './sizes.ts';
export { type OnReply, Reply, Tags } from './tags.ts';
export { typeName, wellFormed } from './well-formed.ts';
