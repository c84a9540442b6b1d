// SPDX-License-Identifier: MIT

import { EXIT, NinefoldError, printable } from '../base/error.ts';
import {
  bad,
  formatHost,
  good,
  type Parsed,
  parseCid,
  parseHost,
  parseHostPort,
  parseNumber,
  parsePort,
  parseSocketPath,
  parseVsockPort,
} from './address.ts';

/** Where a 9P server is found: what `ninefold mount SOURCE` understands. */
export type Source =
  | { kind: 'unix'; path: string }
  | { kind: 'tcp'; host: string; port: number }
  | { kind: 'vsock'; cid: number; port: number }
  /** Firecracker and cloud-hypervisor: the guest's vsock behind a Unix socket of the host. */
  | { kind: 'hybrid-vsock'; path: string; port: number }
  /** `path` begins with `/`, or with `~/` for one below the login's home. */
  | { kind: 'ssh'; user?: string; host: string; port?: number; path: string }
  | { kind: 'exec'; command: string }
  | { kind: 'fd'; readFd: number; writeFd: number };

/** Every form, for `--help` and for the message after a wrong one. */
export const SOURCE_FORMS: readonly (readonly [form: string, meaning: string])[] = [
  ['unix:PATH', 'a Unix socket'],
  ['tcp:HOST:PORT', 'a TCP port (nothing is encrypted or checked: loopback and private links only)'],
  ['vsock:CID:PORT', 'a virtual machine or its host (CID 2, or "host")'],
  ['hybrid-vsock:SOCKET:PORT', "Firecracker's and cloud-hypervisor's Unix socket of a guest"],
  ['ssh://[USER@]HOST[:PORT]/PATH', 'a folder of a machine reached by ssh that has ninefold'],
  ['exec:COMMAND', 'a command that speaks 9P on its standard input and output'],
  ['fd:R,W', 'two descriptors that are open already'],
];

/** How the words of a person that are no source are spoken of. `also`: what could stand there beside sources. */
export interface Wording {
  readonly what: string;
  readonly also: string;
}
const PLAIN: Wording = { what: 'source', also: '' };
/** What is mounted. */
export const MOUNTED: Wording = { what: 'source', also: 'MACHINE:/FOLDER, or ' };
/** Where files go. */
export const DESTINATION: Wording = { what: 'destination', also: 'the name of a machine, or ' };

/** Throws NinefoldError SOURCE_SYNTAX (exit 64). */
export function parseSource(text: string, { what, also }: Wording = PLAIN): Source {
  const parsed = parse(text);
  if (parsed.ok) return parsed.value;
  throw new NinefoldError({
    code: 'SOURCE_SYNTAX',
    exit: EXIT.usage,
    what: `cannot understand the ${what}`,
    on: `"${printable(text)}"`,
    why: parsed.why,
    remedy: `write ${also}one of ${SOURCE_FORMS.map(([form]) => form).join(', ')}`,
  });
}

/** The inverse of `parseSource`: parses to the same value again. */
export function formatSource(source: Source): string {
  switch (source.kind) {
    case 'unix':
      return `unix:${source.path}`;
    case 'tcp':
      return `tcp:${formatHost(source.host)}:${source.port}`;
    case 'vsock':
      return `vsock:${source.cid}:${source.port}`;
    case 'hybrid-vsock':
      return `hybrid-vsock:${source.path}:${source.port}`;
    case 'ssh': {
      const user = source.user === undefined ? '' : `${source.user}@`;
      const port = source.port === undefined ? '' : `:${source.port}`;
      const path = source.path.startsWith('~') ? `/${source.path}` : source.path;
      return `ssh://${user}${formatHost(source.host)}${port}${path}`;
    }
    case 'exec':
      return `exec:${source.command}`;
    case 'fd':
      return `fd:${source.readFd},${source.writeFd}`;
  }
}

function parse(text: string): Parsed<Source> {
  const colon = text.indexOf(':');
  if (colon < 0) return bad('it has no "KIND:" at its beginning');
  const kind = text.slice(0, colon);
  const rest = text.slice(colon + 1);
  switch (kind) {
    case 'unix': {
      const path = parseSocketPath(rest);
      return path.ok ? good({ kind, path: path.value }) : path;
    }
    case 'tcp': {
      const to = parseHostPort(rest);
      return to.ok ? good({ kind, ...to.value }) : to;
    }
    case 'vsock':
      return parseVsock(rest);
    case 'hybrid-vsock':
      return parseHybrid(rest);
    case 'ssh':
      return parseSsh(rest);
    case 'exec':
      if (rest.trim() === '') return bad('the command is missing');
      if (rest.includes('\0')) return bad('a command cannot hold a NUL character');
      return good({ kind, command: rest });
    case 'fd':
      return parseFds(rest);
    default:
      return bad(`there is no kind "${printable(kind)}"`);
  }
}

function parseVsock(rest: string): Parsed<Source> {
  const [cidText, portText, ...more] = rest.split(':');
  if (more.length > 0) return bad('it has more than a context id and a port');
  const cid = parseCid(cidText ?? '');
  if (!cid.ok) return cid;
  const port = parseVsockPort(portText ?? '');
  return port.ok ? good({ kind: 'vsock', cid: cid.value, port: port.value }) : port;
}

function parseHybrid(rest: string): Parsed<Source> {
  const colon = rest.lastIndexOf(':');
  if (colon < 0) return bad('the vsock port is missing');
  const path = parseSocketPath(rest.slice(0, colon));
  if (!path.ok) return path;
  const port = parseVsockPort(rest.slice(colon + 1));
  return port.ok ? good({ kind: 'hybrid-vsock', path: path.value, port: port.value }) : port;
}

function parseSsh(rest: string): Parsed<Source> {
  if (!rest.startsWith('//')) return bad('"ssh:" is followed by "//"');
  const slash = rest.indexOf('/', 2);
  if (slash < 0) return bad('the path of the folder is missing');
  const authority = rest.slice(2, slash);
  const path = rest.slice(slash);
  if (path.includes('\0')) return bad('a path cannot hold a NUL character');

  const at = authority.lastIndexOf('@');
  const user = at < 0 ? undefined : authority.slice(0, at);
  if (user !== undefined && !/^[A-Za-z0-9._][A-Za-z0-9._@+\\-]*$/.test(user))
    return bad(user.startsWith('-') ? 'a user name cannot begin with "-"' : 'that is no user name');

  let hostText = authority.slice(at + 1);
  let port: number | undefined;
  const portAt = /:([^:\]]*)$/.exec(hostText);
  if (portAt !== null) {
    const parsed = parsePort(portAt[1] ?? '');
    if (!parsed.ok) return parsed;
    port = parsed.value;
    hostText = hostText.slice(0, portAt.index);
  }
  const host = parseHost(hostText);
  if (!host.ok) return host;
  return good({
    kind: 'ssh',
    ...(user === undefined ? {} : { user }),
    host: host.value,
    ...(port === undefined ? {} : { port }),
    path: path.startsWith('/~/') || path === '/~' ? path.slice(1) : path,
  });
}

function parseFds(rest: string): Parsed<Source> {
  const pair = parseFdPair(rest);
  return pair.ok ? good({ kind: 'fd', ...pair.value }) : pair;
}

/** `R,W`: two descriptor numbers, which may be the same one (a socket). */
export function parseFdPair(text: string): Parsed<{ readFd: number; writeFd: number }> {
  const [r, w, ...more] = text.split(',');
  if (r === undefined || w === undefined || more.length > 0)
    return bad('two descriptors go there, as in 3,4');
  const readFd = parseNumber(r, 'the descriptor to read', 0, 0x7fff_ffff);
  if (!readFd.ok) return readFd;
  const writeFd = parseNumber(w, 'the descriptor to write', 0, 0x7fff_ffff);
  if (!writeFd.ok) return writeFd;
  return good({ readFd: readFd.value, writeFd: writeFd.value });
}
