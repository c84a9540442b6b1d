// SPDX-License-Identifier: MIT

import type { Command } from 'commander';
import { LISTEN_FORMS } from '../../transport/listen.ts';
import { serveCommand } from './command.ts';
import { type RawOptions, SERVE_OPTIONS, serveSettings } from './options.ts';
import { type ServeFlags, serveMode } from './request.ts';

/** `ninefold serve PATH …` */
export function addServe(program: Command): Command {
  const command = program
    .command('serve')
    .summary('share a folder')
    .description('Shares one folder by 9P2000.L, each client with a confined process of its own.')
    .argument('<path>', 'the folder')
    .option('--stdio', 'serve one client on standard input and output')
    .option('--fds <R,W>', 'serve one client on two descriptors that are open already')
    .option('--listen <address>', 'wait for clients there; may be given several times', collect, [])
    .option('--socket-mode <mode>', 'permissions of a Unix socket (0600)')
    .option('--max-connections <n>', 'clients at one time (64)')
    .option('--allow-any-tcp', 'allow TCP addresses that other machines can reach')
    .helpOption('-h, --help', 'show this');
  for (const { flag, value, help } of SERVE_OPTIONS)
    command.option(`--${flag}${value === undefined ? '' : ` <${value.toLowerCase()}>`}`, help);
  command.addHelpText('after', HELP);
  command.action(async (path: string, flags: Record<string, unknown>) => {
    const settings = serveSettings(rawOptions(flags), process.env);
    const mode = serveMode(flags as ServeFlags, process.env, process.pid);
    process.exit(await serveCommand('ninefold serve', path, mode, settings));
  });
  return command;
}

/** Commander names its values in camel case, and `--no-symlinks` as `symlinks: false`. */
function rawOptions(flags: Record<string, unknown>): RawOptions {
  const raw: Record<string, string | boolean | undefined> = {};
  for (const { flag } of SERVE_OPTIONS) {
    const name = flag.replace(/^no-/, '').replace(/-([a-z])/g, (_, letter: string) => letter.toUpperCase());
    const value = flags[name];
    if (flag.startsWith('no-')) raw[flag] = value === false;
    else if (typeof value === 'string' || typeof value === 'boolean') raw[flag] = value;
  }
  return raw;
}

const collect = (value: string, before: string[]): string[] => [...before, value];

const HELP = `
Addresses to listen on:
${LISTEN_FORMS.map(([form, meaning]) => `  ${form.padEnd(22)}${meaning}`).join('\n')}

Each option from --read-only on is also an environment variable: --max-fids is NINEFOLD_MAX_FIDS.

Examples:
  ninefold serve ~/share --listen unix:/run/user/1000/share.sock
  ninefold serve /srv/pub --listen vsock:5640 --read-only --no-symlinks
  ninefold serve /srv/in --listen tcp:127.0.0.1:5640 --deny unlinkat,remove,rename,renameat
  ssh box ninefold serve --stdio /srv/share`;
