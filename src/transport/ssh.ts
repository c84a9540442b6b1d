// SPDX-License-Identifier: MIT

import { EXIT, NinefoldError } from '../base/error.ts';
import { formatSource, type Source } from './source.ts';

export interface SshOptions {
  /** The ssh program: a name found through PATH, or a path. */
  program: string;
  /** What ninefold is called at the other end. */
  remoteProgram: string;
  /** Asks the other end for a read-only share: nothing that goes wrong here can then write there. */
  readOnly: boolean;
  /** The sub-command there that speaks on its standard input and output; `serve` if it is not said. */
  command?: 'serve' | 'receive';
  /** Its options. */
  arguments?: readonly string[];
}

/** NINEFOLD_SSH names another ssh, for whatever goes by it. */
export const SSH_DEFAULTS: SshOptions = {
  program: process.env.NINEFOLD_SSH || 'ssh',
  remoteProgram: 'ninefold',
  readOnly: false,
};

/**
 * The argument list of ssh(1) for a source. Throws NinefoldError SSH_DESTINATION (exit 64) for a user or host that ssh would read
 * as an option: `parseSource` refuses such already, but a `Source` may also come from a program.
 */
export function sshArgv(source: Source & { kind: 'ssh' }, options: SshOptions): string[] {
  for (const part of [source.user, source.host])
    if (part !== undefined && (part === '' || part.startsWith('-')))
      throw new NinefoldError({
        code: 'SSH_DESTINATION',
        exit: EXIT.usage,
        what: 'will not run ssh for',
        on: formatSource(source),
        why: 'a user or host that begins with "-" is an option to ssh',
        remedy: 'name the host as ssh knows it',
      });
  const argv = [options.program, '-T'];
  // The other end must not get more of this machine than the one conversation.
  for (const option of [
    'ForwardAgent=no',
    'ForwardX11=no',
    'ClearAllForwardings=yes',
    'PermitLocalCommand=no',
  ])
    argv.push('-o', option);
  // A link that is dead is noticed within a minute.
  argv.push('-o', 'ServerAliveInterval=15', '-o', 'ServerAliveCountMax=3');
  if (source.port !== undefined) argv.push('-p', String(source.port));
  if (source.user !== undefined) argv.push('-l', source.user);
  argv.push('--', source.host, remoteCommand(source.path, options));
  return argv;
}

/** The command line that the login shell of the other end gets as one string. */
export function remoteCommand(path: string, options: SshOptions): string {
  const words = [quote(options.remoteProgram), options.command ?? 'serve', '--stdio'];
  words.push(...(options.arguments ?? []));
  if (options.readOnly) words.push('--read-only');
  // ssh starts in the login's home, so a path below it needs no tilde, which a quoted word could not hold anyway.
  const folder = path === '~' || path === '~/' ? '.' : path.startsWith('~/') ? `./${path.slice(2)}` : path;
  words.push('--', quote(folder));
  return words.join(' ');
}

/** One word for any shell with single quotes (sh, bash, zsh, dash, ksh, fish): nothing in it is special but the quote itself. */
export function quote(word: string): string {
  if (/^[A-Za-z0-9_@%+=:,./-]+$/.test(word)) return word;
  // fish reads a backslash before a quote or backslash inside single quotes: put both outside of them.
  return word.replace(/[^'\\]+|['\\]/g, (run) => (run === "'" ? "\\'" : run === '\\' ? '\\\\' : `'${run}'`));
}
