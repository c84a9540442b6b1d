// SPDX-License-Identifier: MIT

/**
 * Ninefold as a library: share a folder or a tree of your own making over any stream, and read and write what others share.
 *
 * ```ts
 * import { connect, serve, treeOfJson } from 'ninefold';
 *
 * serve('/home/me/project', socket, { readOnly: true });   // a folder, from a confined process
 * serve(treeOfJson({ hello: 'world' }), socket);            // a tree made by the program
 *
 * const files = await connect(socket);                      // the other end
 * console.log(await files.readdir('/'));
 * ```
 */
export { errnoName, errnoWords } from './base/errno.ts';
export { EXIT, type ExitCode, NinefoldError } from './base/error.ts';
export { connect } from './connect.ts';
export { type JsonValue, treeOfJson } from './json-tree.ts';
export { type P9Entry, P9Files, type P9Stat } from './p9-client/files.ts';
export { P9Error } from './p9-client/promises.ts';
export type { ServeEnd } from './p9-server/index.ts';
export type { TreeCommon, TreeFile, TreeFolder, TreeLink, TreeObject } from './p9-server/tree.ts';
export { type PeerChannel, type Served, type ShareOptions, serve } from './serve.ts';
