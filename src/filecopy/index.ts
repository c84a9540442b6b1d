// SPDX-License-Identifier: MIT

/** The engines of file copy: a sender that walks trees by descriptor, and a receiver that trusts nothing. They are given a `Sys`. */
export { Check, type Complaint } from './check.ts';
export { Journal, removeSent } from './journal.ts';
export { type Received, type ReceiveOptions, Receiver } from './receive.ts';
export { type SendEnd, Sender, type SendOptions } from './send.ts';
export { type Visitor, Walk } from './walk.ts';
