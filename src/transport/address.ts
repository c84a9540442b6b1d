// SPDX-License-Identifier: MIT

/** sockaddr_un.sun_path is 108 bytes with the closing NUL (unix(7)). */
export const UNIX_PATH_MAX = 107;
/** VMADDR_CID_ANY and VMADDR_PORT_ANY are 2^32 − 1 (vsock(7)): neither names a peer. */
const VSOCK_MAX = 0xffff_fffe;

export const VSOCK_CID_ANY = 0xffff_ffff;

/** What a part of an address may be, or the reason why it is not. Never thrown: the caller knows the whole string and says it. */
export type Parsed<T> = { ok: true; value: T } | { ok: false; why: string };

export const good = <T>(value: T): Parsed<T> => ({ ok: true, value });
export const bad = (why: string): { ok: false; why: string } => ({ ok: false, why });

/** A decimal number without sign, spaces or leading zeros; `what` names it in the reason. */
export function parseNumber(text: string, what: string, min: number, max: number): Parsed<number> {
  if (text === '') return bad(`${what} is missing`);
  if (!/^(0|[1-9][0-9]{0,9})$/.test(text) || Number(text) < min || Number(text) > max)
    return bad(`${what} must be a number from ${min} to ${max}`);
  return good(Number(text));
}

export const parsePort = (text: string): Parsed<number> => parseNumber(text, 'the port', 1, 65535);
export const parseVsockPort = (text: string): Parsed<number> =>
  parseNumber(text, 'the vsock port', 0, VSOCK_MAX);

/** A context id: a number, or vsock(7)'s names for the two that are always the same. */
export function parseCid(text: string): Parsed<number> {
  if (text === 'local') return good(1);
  if (text === 'host') return good(2);
  return parseNumber(text, 'the context id (CID)', 0, VSOCK_MAX);
}

/** A path for a Unix socket: kept as it is, relative ones too. */
export function parseSocketPath(text: string): Parsed<string> {
  if (text === '') return bad('the path of the socket is missing');
  if (text.includes('\0')) return bad('a path cannot hold a NUL character');
  const bytes = new TextEncoder().encode(text).byteLength;
  if (bytes > UNIX_PATH_MAX)
    return bad(`the path has ${bytes} bytes and a socket's path at most ${UNIX_PATH_MAX}`);
  return good(text);
}

/** `HOST:PORT`, `1.2.3.4:PORT` or `[v6]:PORT`, split at the last colon. */
export function parseHostPort(text: string): Parsed<{ host: string; port: number }> {
  const colon = text.lastIndexOf(':');
  if (colon < 0) return bad('the port is missing');
  const host = parseHost(text.slice(0, colon));
  if (!host.ok) return host;
  const port = parsePort(text.slice(colon + 1));
  if (!port.ok) return port;
  return good({ host: host.value, port: port.value });
}

/** A host name or address; the brackets of an IPv6 address are taken off. */
export function parseHost(text: string): Parsed<string> {
  if (text === '') return bad('the host is missing');
  if (text.startsWith('[')) {
    if (!/^\[[0-9a-fA-F:.]+\]$/.test(text)) return bad('that is no IPv6 address');
    return good(text.slice(1, -1));
  }
  // What ssh or a resolver would read as an option must not get that far.
  if (text.startsWith('-')) return bad('a host cannot begin with "-"');
  if (text.includes(':')) return bad('an IPv6 address goes into brackets, as in [::1]');
  if (!/^[A-Za-z0-9._-]{1,253}$/.test(text)) return bad('a host has letters, digits, ".", "-" and "_" only');
  return good(text);
}

/** The inverse of `parseHost`. */
export const formatHost = (host: string): string => (host.includes(':') ? `[${host}]` : host);

/** Is this an address that only programs on this machine can reach? */
export function isLoopback(host: string): boolean {
  if (host === 'localhost' || host === '::1') return true;
  return /^127(\.(0|[1-9][0-9]?|1[0-9]{2}|2[0-4][0-9]|25[0-5])){3}$/.test(host);
}
