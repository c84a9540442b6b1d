// SPDX-License-Identifier: MIT
// `qrexec-client-vm [--] TARGET SERVICE[+ARGUMENT]` for tests, with what a service sees under qrexec: in the folder QREXEC_WORLD lie `policy.d/` and, for each qube, the services `rpc/QUBE/SERVICE`.
// QREXEC_SELF is who calls.

import { spawn } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const world = process.env.QREXEC_WORLD ?? '';
const self = process.env.QREXEC_SELF ?? '';
const [target = '', call = ''] = process.argv.slice(2).filter((a) => a !== '--');
const plus = call.indexOf('+');
const service = plus < 0 ? call : call.slice(0, plus);
const argument = plus < 0 ? '' : call.slice(plus + 1);

/** The first line that is about it, over all files in the order of their names; none: no. */
function allowed(): boolean {
  const dir = join(world, 'policy.d');
  for (const file of readdirSync(dir).sort()) {
    if (!file.endsWith('.policy') || file.startsWith('.')) continue;
    for (const line of readFileSync(join(dir, file), 'utf8').split('\n')) {
      if (line.trim() === '' || line.startsWith('#')) continue;
      const [svc, arg, from, to, action, ...more] = line.trim().split(/\s+/);
      if (more.length > 0 || !['allow', 'deny'].includes(action ?? '')) return false;
      const is = (pattern: string | undefined, name: string): boolean =>
        pattern === name || (pattern === '@anyvm' && name !== 'dom0');
      if (svc === service && (arg === '*' || arg === `+${argument}`) && is(from, self) && is(to, target))
        return action === 'allow';
    }
  }
  return false;
}

function end(status: number, words: string): never {
  process.stderr.write(`${words}\n`);
  process.exit(status);
}

if (!allowed()) end(126, 'Request refused');
const program = join(world, 'rpc', target, service);
if (!existsSync(program)) end(127, `${service} not found`);
const env: Record<string, string> = {};
for (const [name, value] of Object.entries(process.env))
  if (value !== undefined && (!name.startsWith('QREXEC') || name === 'QREXEC_WORLD')) env[name] = value;
Object.assign(env, {
  QREXEC_SELF: target,
  QREXEC_REMOTE_DOMAIN: self,
  QREXEC_SERVICE_FULL_NAME: call,
  QREXEC_REQUESTED_TARGET_TYPE: target === 'dom0' ? 'name' : '',
  ...(target === 'dom0' ? { QREXEC_REQUESTED_TARGET: 'dom0' } : {}),
  ...(plus < 0 ? {} : { QREXEC_SERVICE_ARGUMENT: argument }),
});
const child = spawn(program, argument === '' ? [] : [argument], { stdio: 'inherit', env });
child.once('error', () => end(125, 'cannot be run'));
child.once('exit', (code) => process.exit(code ?? 128 + 9));
