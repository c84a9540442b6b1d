// SPDX-License-Identifier: MIT

import { EXIT, NinefoldError, printable } from '../base/error.ts';
import {
  bad,
  formatHost,
  good,
  isLoopback,
  type Parsed,
  parseHostPort,
  parseSocketPath,
  parseVsockPort,
} from './address.ts';

/** Where a server waits for clients: what `ninefold serve --listen` understands. */
export type Listen =
  | { kind: 'unix'; path: string }
  /** Any context id of this machine. */
  | { kind: 'vsock'; port: number }
  | { kind: 'tcp'; host: string; port: number }
  /** The sockets that systemd opened and handed over (sd_listen_fds(3)). */
  | { kind: 'systemd' };

export const LISTEN_FORMS: readonly (readonly [form: string, meaning: string])[] = [
  ['unix:PATH', 'a Unix socket, made with mode 0600 unless --socket-mode says otherwise'],
  ['vsock:PORT', 'a vsock port of this machine'],
  ['tcp:127.0.0.1:PORT', 'a loopback TCP port; other addresses only with --allow-any-tcp'],
  ['systemd', 'the sockets handed over by systemd (LISTEN_FDS)'],
];

/**
 * Throws NinefoldError LISTEN_SYNTAX (exit 64), or LISTEN_NOT_LOOPBACK (64) for a TCP address that others can reach when `anyTcp` is
 * not set: 9P has no encryption and takes the client's word for who it is.
 */
export function parseListen(text: string, options: { anyTcp: boolean }): Listen {
  const parsed = parse(text);
  if (!parsed.ok)
    throw new NinefoldError({
      code: 'LISTEN_SYNTAX',
      exit: EXIT.usage,
      what: 'cannot understand the address to listen on',
      on: `"${printable(text)}"`,
      why: parsed.why,
      remedy: `write one of ${LISTEN_FORMS.map(([form]) => form).join(', ')}`,
    });
  const listen = parsed.value;
  if (listen.kind === 'tcp' && !options.anyTcp && !isLoopback(listen.host))
    throw new NinefoldError({
      code: 'LISTEN_NOT_LOOPBACK',
      exit: EXIT.usage,
      what: 'will not listen on',
      on: `"${printable(text)}"`,
      why: 'other machines could reach it and 9P neither encrypts nor asks for a password',
      remedy: 'use tcp:127.0.0.1:PORT, or add --allow-any-tcp if the network itself is private',
    });
  return listen;
}

/** The inverse of `parseListen`. */
export function formatListen(listen: Listen): string {
  switch (listen.kind) {
    case 'unix':
      return `unix:${listen.path}`;
    case 'vsock':
      return `vsock:${listen.port}`;
    case 'tcp':
      return `tcp:${formatHost(listen.host)}:${listen.port}`;
    case 'systemd':
      return 'systemd';
  }
}

function parse(text: string): Parsed<Listen> {
  if (text === 'systemd') return good({ kind: 'systemd' });
  const colon = text.indexOf(':');
  if (colon < 0) return bad('it has no "KIND:" at its beginning');
  const kind = text.slice(0, colon);
  const rest = text.slice(colon + 1);
  switch (kind) {
    case 'unix': {
      const path = parseSocketPath(rest);
      return path.ok ? good({ kind, path: path.value }) : path;
    }
    case 'vsock': {
      if (rest.includes(':')) return bad('a server names the port only, not a context id');
      const port = parseVsockPort(rest);
      return port.ok ? good({ kind, port: port.value }) : port;
    }
    case 'tcp': {
      const at = parseHostPort(rest);
      return at.ok ? good({ kind, ...at.value }) : at;
    }
    default:
      return bad(`a server cannot listen on the kind "${printable(kind)}"`);
  }
}
