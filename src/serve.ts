// SPDX-License-Identifier: MIT

import { spawn } from 'node:child_process';
import { closeSync } from 'node:fs';
import { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { because, EXIT, NinefoldError } from './base/error.ts';
import { O_RDONLY, O_WRONLY } from './base/sys.ts';
import { Turns } from './base/turns.ts';
import { openSys } from './linux/index.ts';
import { socketpair } from './linux/net.ts';
import { unblocked } from './linux/unblocked.ts';
import { Connection, DEFAULT_LIMITS, type ServeEnd, Stats } from './p9-server/index.ts';
import { Tree, type TreeFolder } from './p9-server/tree.ts';

/** A way to the peer: any duplex stream, or descriptors (one socket twice, or the ends of two pipes), which stay the caller's to close. */
export type PeerChannel = Duplex | { readonly readFd: number; readonly writeFd: number };

/** How a folder is shared; each is the `qfsd` flag of the same name. */
export interface ShareOptions {
  readonly readOnly?: boolean;
  /** Symbolic links are neither shown nor made. */
  readonly noSymlinks?: boolean;
  /** Serve POSIX ACLs beside `user.*` attributes. */
  readonly acl?: boolean;
  /** Default: bubblewrap, else Landlock; `none` must be asked for. */
  readonly sandbox?: 'auto' | 'bwrap' | 'landlock' | 'none';
  /** Operations that are refused, by name: `['symlink', 'mknod']`. */
  readonly deny?: readonly string[];
  /** As root: everyone acts as this user. */
  readonly squash?: { readonly uid: number; readonly gid: number };
}

/** A share that is being served. */
export interface Served {
  /** Resolves when the peer has gone, with how; never rejects. */
  readonly ended: Promise<ServeEnd>;
  /** Ends the share now. */
  close(): void;
}

/**
 * Serves a folder, or a tree that the program makes, to one peer.
 *
 * A folder is served by a process of its own, confined before it reads a byte of the peer's. A tree is served in this process: its methods are
 * called from Node's event loop.
 *
 * Throws NinefoldError NO_CHANNEL (exit 71) when the system gives no descriptors. What is wrong with the folder itself (missing, not a folder) is told on stderr and
 * in `ended`.
 */
export function serve(what: string | TreeFolder, peer: PeerChannel, options: ShareOptions = {}): Served {
  if ('readFd' in peer) {
    return typeof what === 'string' ? shareFolder(what, peer, options) : serveTree(what, peer, () => {});
  }
  const pair: [number, number] = [-1, -1];
  const r = socketpair(pair);
  if (r < 0) {
    throw new NinefoldError({
      code: 'NO_CHANNEL',
      exit: EXIT.osMissing,
      what: 'cannot make',
      on: 'a socket pair',
      why: because(r),
      remedy: 'close some files, or raise the limit of open files (ulimit -n)',
    });
  }
  const [near, far] = pair;
  const bridge = new Socket({ fd: near });
  peer.pipe(bridge).pipe(peer);
  // pipe() carries ends over, but neither errors nor a stream that is simply destroyed.
  peer.once('error', () => bridge.destroy());
  peer.once('close', () => bridge.destroy());
  bridge.on('error', () => {});
  // Its end first: the other side of a stream in memory hears of nothing else.
  bridge.once('close', () => {
    const late = setTimeout(() => peer.destroy(), 1000);
    peer.end(() => peer.destroy()).once('close', () => clearTimeout(late));
  });
  const fds = { readFd: far, writeFd: far };
  if (typeof what !== 'string') return serveTree(what, fds, () => closeSync(far));
  const served = shareFolder(what, fds, options);
  closeSync(far);
  return served;
}

/** The one loop of all trees of this process: with one each, whichever sleeps in poll(2) would be deaf to the peers of the others. It ends with the last of them. */
let loop: { readonly turns: Turns; readonly connections: Set<Connection> } | undefined;

function commonLoop(): { readonly turns: Turns; readonly connections: Set<Connection> } {
  if (loop !== undefined) return loop;
  const made = { turns: new Turns(openSys()), connections: new Set<Connection>() };
  loop = made;
  made.turns.run().catch((error: unknown) => {
    if (loop === made) loop = undefined;
    for (const connection of [...made.connections]) connection.end(false, String(error));
  });
  return made;
}

function serveTree(root: TreeFolder, peer: { readFd: number; writeFd: number }, cleanUp: () => void): Served {
  const mine = commonLoop();
  const from = unblocked(peer.readFd, O_RDONLY);
  const to = peer.writeFd === peer.readFd ? from : unblocked(peer.writeFd, O_WRONLY);
  let connection: Connection | undefined;
  const ended = new Promise<ServeEnd>((resolve) => {
    const made = new Connection({
      sys: openSys(),
      turns: mine.turns,
      readFd: from.fd,
      writeFd: to.fd,
      backend: new Tree(root),
      stats: new Stats(),
      limits: DEFAULT_LIMITS,
      done: (end) => {
        mine.connections.delete(made);
        if (mine.connections.size === 0) {
          mine.turns.stop();
          if (loop === mine) loop = undefined;
        }
        from.undo();
        if (to !== from) to.undo();
        cleanUp();
        resolve(end);
      },
    });
    mine.connections.add(made);
    connection = made;
  });
  return { ended, close: () => connection?.end(true, 'closed by this side') };
}

function shareFolder(path: string, peer: { readFd: number; writeFd: number }, options: ShareOptions): Served {
  const program = fileURLToPath(new URL('../bin/qfsd.cjs', import.meta.url));
  const one = peer.readFd === peer.writeFd;
  const child = spawn(process.execPath, [program, '3', one ? '3' : '4', path, ...flags(options)], {
    stdio: ['ignore', 'ignore', 'inherit', peer.readFd, ...(one ? [] : [peer.writeFd])],
  });
  const ended = new Promise<ServeEnd>((resolve) => {
    child.once('error', (error) =>
      resolve({ clean: false, why: `the server could not be started (${error.message})` }),
    );
    child.once('exit', (code, signal) =>
      resolve(
        code === 0
          ? { clean: true, why: 'the peer closed the connection' }
          : { clean: false, why: `the server ended with ${signal ?? `exit code ${code}`}` },
      ),
    );
  });
  return { ended, close: () => child.kill('SIGTERM') };
}

function flags(o: ShareOptions): string[] {
  return [
    ...(o.readOnly === true ? ['--read-only'] : []),
    ...(o.noSymlinks === true ? ['--no-symlinks'] : []),
    ...(o.acl === true ? ['--acl'] : []),
    ...(o.sandbox !== undefined ? ['--sandbox', o.sandbox] : []),
    ...(o.deny !== undefined && o.deny.length > 0 ? ['--deny', o.deny.join(',')] : []),
    ...(o.squash !== undefined ? ['--squash', `${o.squash.uid}:${o.squash.gid}`] : []),
  ];
}
