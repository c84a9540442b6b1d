// SPDX-License-Identifier: MIT

import { spawn } from 'node:child_process';
import { isMountOption } from '../mount/options.ts';
import { die, say, usageError } from '../report.ts';
import { programPath } from '../serve/launch.ts';
import { remount } from './remount.ts';

const PROGRAM = 'mount.ninefold';

/**
 * What a call of mount(8) means: the command line of `ninefold`, a mount that is there and is to be changed, or the reason why it is refused. `fake`: mount -f, check only.
 * `verbose`: mount -v; mount(8) says nothing otherwise.
 */
export type Helper =
  | { readonly argv: string[]; readonly fake: boolean; readonly verbose: boolean }
  | { readonly change: string; readonly options: readonly string[]; readonly fake: boolean }
  | { readonly why: string };

/**
 * `mount.ninefold SOURCE MOUNTPOINT [-sfnv] [-N namespace] [-o options] [-t type]`, as mount(8) calls its helpers for `mount -t ninefold` and fstab(5). `client=…` among the options
 * is --client; -s passes over options that are unknown.
 */
export function helperCommand(args: readonly string[]): Helper {
  const [source, mountpoint, ...rest] = args;
  if (
    source === undefined ||
    mountpoint === undefined ||
    source.startsWith('-') ||
    mountpoint.startsWith('-')
  )
    return { why: 'it takes SOURCE and MOUNTPOINT first, as mount(8) gives them' };
  const options: string[] = [];
  let letters = '';
  for (let word = rest.shift(); word !== undefined; word = rest.shift()) {
    if (word === '-o' || word === '-N' || word === '-t') {
      const value = rest.shift();
      if (value === undefined) return { why: `${word} lacks its value` };
      if (word === '-N') return { why: 'mounting in another namespace is not for this program' };
      if (word === '-o') options.push(...value.split(',').filter((o) => o !== ''));
    } else if (/^-[sfnvrw]+$/.test(word)) {
      letters += word.slice(1);
      if (word.includes('r')) options.push('ro');
    } else return { why: `there is no option ${JSON.stringify(word)}` };
  }
  const fake = letters.includes('f');
  if (options.includes('remount'))
    return { change: mountpoint, options: options.filter((o) => o !== 'remount'), fake };
  const clients = options.filter((o) => o.startsWith('client='));
  const others = options.filter(
    (o) => !o.startsWith('client=') && (!letters.includes('s') || isMountOption(o)),
  );
  const argv = ['mount', source, mountpoint, ...clients.map((o) => `--${o}`)];
  if (others.length > 0) argv.push('-o', others.join(','));
  return { argv, fake, verbose: letters.includes('v') };
}

/** The main function of the program. Its status is that of `ninefold mount`. */
export function mountHelperMain(args: readonly string[]): void {
  const helper = helperCommand(args);
  if ('why' in helper)
    die(
      PROGRAM,
      usageError(
        'USAGE',
        'cannot mount with',
        'these arguments',
        helper.why,
        'see mount.ninefold in ninefold(1)',
      ),
    );
  if ('change' in helper) {
    remount(helper.change, helper.options, helper.fake).then(
      () => process.exit(0),
      (error: unknown) => die(PROGRAM, error),
    );
    return;
  }
  if (helper.fake) process.exit(0);
  const child = spawn(process.execPath, ['--no-warnings', programPath('ninefold'), ...helper.argv], {
    stdio: ['inherit', helper.verbose ? 'inherit' : 'ignore', 'inherit'],
  });
  child.once('error', (error) => {
    say(`${PROGRAM}: ${error.message}`);
    process.exit(1);
  });
  child.once('exit', (code) => process.exit(code ?? 1));
}
