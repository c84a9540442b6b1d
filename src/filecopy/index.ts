// SPDX-License-Identifier: MIT

/** The engines of file copy: a sender that walks trees by descriptor, and a receiver that trusts nothing. They are given a `Sys`. */
export { Check, type Complaint } from './check.ts';
export { Journal, type Kept, removeSent, temporaryFolders } from './journal.ts';
export { type Received, type ReceiveOptions, Receiver } from './receive.ts';
export { Sender } from './send.ts';
export * from './send-types.ts';
export { type Conflict, namesBeside, Survey } from './survey.ts';
export { type Visitor, Walk } from './walk.ts';
