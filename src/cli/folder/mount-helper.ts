// SPDX-License-Identifier: MIT

import { spawn } from 'node:child_process';
import { die, say, usageError } from '../report.ts';
import { programPath } from '../serve/launch.ts';

const PROGRAM = 'mount.ninefold';

/** The command line of `ninefold` that a call of mount(8) means, or the reason why there is none. `fake`: mount -f, check only. */
export type Helper = { readonly argv: string[]; readonly fake: boolean } | { readonly why: string };

/**
 * `mount.ninefold SOURCE MOUNTPOINT [-sfnv] [-N namespace] [-o options] [-t type]`, as mount(8) calls its helpers for `mount -t ninefold` and fstab(5). `client=…` among the options
 * is --client.
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
  const argv = ['mount', source, mountpoint];
  let fake = false;
  for (let word = rest.shift(); word !== undefined; word = rest.shift()) {
    if (word === '-o' || word === '-N' || word === '-t') {
      const value = rest.shift();
      if (value === undefined) return { why: `${word} lacks its value` };
      if (word === '-N') return { why: 'mounting in another namespace is not for this program' };
      if (word === '-o') argv.push(...optionArguments(value));
    } else if (/^-[sfnvrw]+$/.test(word)) {
      fake ||= word.includes('f');
      if (word.includes('r')) argv.push('-o', 'ro');
    } else return { why: `there is no option ${JSON.stringify(word)}` };
  }
  return { argv, fake };
}

function optionArguments(list: string): string[] {
  const options = list.split(',').filter((o) => o !== '');
  const clients = options.filter((o) => o.startsWith('client='));
  const others = options.filter((o) => !o.startsWith('client='));
  return [
    ...clients.map((o) => `--client=${o.slice('client='.length)}`),
    ...(others.length === 0 ? [] : ['-o', others.join(',')]),
  ];
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
  if (helper.fake) process.exit(0);
  const child = spawn(process.execPath, ['--no-warnings', programPath('ninefold'), ...helper.argv], {
    stdio: 'inherit',
  });
  child.once('error', (error) => {
    say(`${PROGRAM}: ${error.message}`);
    process.exit(1);
  });
  child.once('exit', (code) => process.exit(code ?? 1));
}
