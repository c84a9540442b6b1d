// SPDX-License-Identifier: MIT

import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { printable } from '../../base/error.ts';
import { type AskedService, isAskedService } from '../../policy/service-asking.ts';
import { accountOf } from '../copy/incoming.ts';
import { describe, say } from '../report.ts';
import { programPath } from '../serve/launch.ts';

/** qrexec's own statuses: it cannot be run, and there is no such service. */
const CANNOT_RUN = 125;
const NO_SERVICE = 127;
const WRONG_ARGUMENT = 1;

/** Who receives files where the agent is root's: a user's name, from `ninefold agent --user`. */
export const AGENT_USER = 'NINEFOLD_AGENT_USER';

/** A program of ours and its arguments, as packaging/qubes-rpc starts it; undefined: no such argument. */
function commandOf(service: AskedService, argument: string, incoming: string): string[] | undefined {
  if (service === 'qubes.OpenInVM') return argument === '' ? ['vm-file-editor'] : undefined;
  const where = incoming === '' ? [] : ['', incoming];
  if (argument === '') return ['qfile-unpacker', ...where];
  return argument === 'allow-all-names' ? ['qfile-unpacker', '--allow-all-names', ...where] : undefined;
}

/** What a service sees under qrexec, and nothing of what was inherited under those names. */
function environmentOf(
  call: { readonly full: string; readonly argument: string | undefined; readonly source: string },
  env: NodeJS.ProcessEnv,
): NodeJS.ProcessEnv {
  const clean = Object.fromEntries(Object.entries(env).filter(([name]) => !name.startsWith('QREXEC')));
  return {
    ...clean,
    QREXEC_REMOTE_DOMAIN: call.source,
    QREXEC_SERVICE_FULL_NAME: call.full,
    QREXEC_REQUESTED_TARGET_TYPE: '',
    ...(call.argument === undefined ? {} : { QREXEC_SERVICE_ARGUMENT: call.argument }),
  };
}

/**
 * Receives files, or opens one, at the word of a broker: the very programs that qrexec would start, on this process's standard input and output. Resolves with their
 * status. `as`: the user that a rule about calls names, before the agent's own. Never rejects.
 */
export async function fileService(
  full: string,
  source: string,
  as: string | undefined,
  env: NodeJS.ProcessEnv = process.env,
): Promise<number> {
  const plus = full.indexOf('+');
  const service = plus < 0 ? full : full.slice(0, plus);
  const argument = plus < 0 ? undefined : full.slice(plus + 1);
  if (!isAskedService(service)) {
    say(`error: there is no service "${printable(service)}" here`);
    return NO_SERVICE;
  }
  const [program, ...args] = commandOf(service, argument ?? '', env.NINEFOLD_INCOMING ?? '') ?? [];
  if (program === undefined) {
    say(`error: ${service} has no argument "${printable(argument ?? '')}"`);
    return WRONG_ARGUMENT;
  }
  try {
    const user = as ?? env[AGENT_USER];
    const account = user === undefined || user === '' ? undefined : accountOf(user);
    const own = process.geteuid?.() ?? 0;
    if (account !== undefined && own !== 0 && own !== account.uid) {
      say(`error: this agent is not root's, and cannot act as ${account.name}`);
      return CANNOT_RUN;
    }
    const whole = environmentOf({ full, argument, source }, env);
    return await statusOf(
      spawn(process.execPath, ['--no-warnings', programPath(program), ...args], {
        stdio: 'inherit',
        ...(account === undefined || own !== 0
          ? { env: whole }
          : {
              uid: account.uid,
              gid: account.gid,
              cwd: existsSync(account.home) ? account.home : '/',
              env: { ...whole, HOME: account.home, USER: account.name, LOGNAME: account.name },
            }),
      }),
    );
  } catch (error) {
    say(describe(error).line);
    return CANNOT_RUN;
  }
}

/** A signal for this process is one for the program, which has things to put away before it ends. */
function statusOf(child: ReturnType<typeof spawn>): Promise<number> {
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const)
    process.on(signal, () => void child.kill(signal));
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', (code, signal) => resolve(code ?? 128 + (signal === 'SIGKILL' ? 9 : 15)));
  });
}
