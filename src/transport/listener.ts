// SPDX-License-Identifier: MIT

import { lstatSync, unlinkSync } from 'node:fs';
import { EACCES, EADDRINUSE, ECONNREFUSED, EPERM } from '../base/errno.ts';
import { because, EXIT, type ExitCode, NinefoldError, printable } from '../base/error.ts';
import { VSOCK_CID_ANY } from './address.ts';
import { resolveTcp } from './connect.ts';
import { formatListen, type Listen } from './listen.ts';
import type { SocketAddress, TransportSys } from './sys.ts';

/** Connections that may wait for `accept`: more are made to wait by the kernel. */
const BACKLOG = 64;

export interface Listener {
  readonly fd: number;
  readonly label: string;
  /** Stops listening and takes a Unix socket's name away, if it is still the one that was made here. Idempotent. */
  close(): void;
}

/**
 * Binds and listens. `mode` is that of a Unix socket. A Unix socket that is there already is replaced only if nobody listens on it.
 * Throws NinefoldError LISTEN_BUSY, LISTEN_FAILED (exit 69; 77 without permission), LISTEN_OCCUPIED (66: the path is something else),
 * HOST_UNKNOWN (69), VSOCK_MISSING (71). `systemd` is not for here: see `adoptListener`.
 */
export async function openListener(
  sys: TransportSys,
  at: Exclude<Listen, { kind: 'systemd' }>,
  mode: number,
): Promise<Listener> {
  const label = formatListen(at);
  if (at.kind === 'unix') return listenUnix(sys, at.path, mode, label);
  const address: SocketAddress | undefined =
    at.kind === 'vsock'
      ? { kind: 'vsock', cid: VSOCK_CID_ANY, port: at.port }
      : (await resolveTcp(at.host, at.port, label))[0];
  const fd = address === undefined ? -EADDRINUSE : sys.listen(address, BACKLOG, mode);
  if (fd < 0) throw failed(label, fd);
  return listenerOf(sys, fd, label, () => {});
}

/** A socket that systemd has bound: its name is systemd's to take away. Throws NinefoldError LISTEN_FDS (exit 78) if it does not listen. */
export function adoptListener(sys: TransportSys, fd: number): Listener {
  if (sys.isListening(fd) !== 1)
    throw new NinefoldError({
      code: 'LISTEN_FDS',
      exit: EXIT.config,
      what: 'cannot take over the socket of systemd',
      on: `descriptor ${fd}`,
      why: 'it is not a listening stream socket',
      remedy: 'use ListenStream= with Accept=no in the .socket unit, or --stdio with Accept=yes',
    });
  sys.setNonBlocking(fd, true);
  return listenerOf(sys, fd, `systemd socket ${fd}`, () => {});
}

function listenUnix(sys: TransportSys, path: string, mode: number, label: string): Listener {
  let fd = sys.listen({ kind: 'unix', path }, BACKLOG, mode);
  if (fd === -EADDRINUSE) {
    removeStale(sys, path, label);
    fd = sys.listen({ kind: 'unix', path }, BACKLOG, mode);
  }
  if (fd < 0) throw failed(label, fd);
  const made = identity(path);
  return listenerOf(sys, fd, label, () => {
    // Another server may have taken the name over meanwhile.
    if (identity(path) === made) unlinkSync(path);
  });
}

/** What tells one file from every other, also from one that gets its inode number later; undefined when there is none. */
function identity(path: string): string | undefined {
  const s = lstatSync(path, { bigint: true, throwIfNoEntry: false });
  return s === undefined ? undefined : `${s.dev} ${s.ino} ${s.birthtimeNs}`;
}

/** Unlinks a socket on which nobody listens. */
function removeStale(sys: TransportSys, path: string, label: string): void {
  const occupied = (why: string): NinefoldError =>
    new NinefoldError({
      code: 'LISTEN_OCCUPIED',
      exit: EXIT.noInput,
      what: 'cannot listen on',
      on: printable(label),
      why,
      remedy: 'choose another path, or remove what is there',
    });
  const found = lstatSync(path, { throwIfNoEntry: false });
  if (found === undefined) return;
  if (!found.isSocket()) throw occupied('something that is no socket has this name');
  const before = identity(path);
  const probe = sys.connectStart({ kind: 'unix', path });
  if (probe >= 0) {
    sys.close(probe);
    throw failed(label, -EADDRINUSE);
  }
  // -EAGAIN: somebody listens and is busy.
  if (probe !== -ECONNREFUSED) throw failed(label, probe === -EACCES ? -EACCES : -EADDRINUSE);
  if (identity(path) !== before) throw failed(label, -EADDRINUSE);
  try {
    unlinkSync(path);
  } catch (error) {
    throw failed(label, -Math.abs((error as NodeJS.ErrnoException).errno ?? EPERM));
  }
}

function listenerOf(sys: TransportSys, fd: number, label: string, clean: () => void): Listener {
  let open = true;
  return {
    fd,
    label,
    close() {
      if (!open) return;
      open = false;
      sys.close(fd);
      try {
        clean();
      } catch {
        // The name is gone already, or its folder is.
      }
    },
  };
}

function failed(label: string, result: number): NinefoldError {
  const busy = result === -EADDRINUSE;
  const forbidden = result === -EACCES || result === -EPERM;
  const noVsock = result === -97;
  const exit: ExitCode = noVsock ? EXIT.osMissing : forbidden ? EXIT.noPermission : EXIT.unavailable;
  return new NinefoldError({
    code: noVsock ? 'VSOCK_MISSING' : busy ? 'LISTEN_BUSY' : 'LISTEN_FAILED',
    exit,
    what: 'cannot listen on',
    on: printable(label),
    why: noVsock ? 'this kernel has no vsock' : busy ? 'another server listens there' : because(result),
    remedy: noVsock
      ? 'load the module vsock (modprobe vsock)'
      : busy
        ? 'stop it, or choose another address'
        : 'choose an address of your own',
  });
}
