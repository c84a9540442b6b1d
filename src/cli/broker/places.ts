// SPDX-License-Identifier: MIT

import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import type { BrokerAddress } from '../../broker/broker-caller.ts';
import type { Place } from '../../broker/config.ts';
import { parseSource } from '../../transport/source.ts';
import { registryPath } from '../mount/registry.ts';
import { usageError } from '../report.ts';

/** The broker's own socket: NINEFOLD_BROKER where that is a path, else `broker.sock` in the run-time folder of the user. */
export function brokerSocket(env: NodeJS.ProcessEnv = process.env): string {
  const named = env.NINEFOLD_BROKER ? brokerAddress(env.NINEFOLD_BROKER) : undefined;
  return named?.kind === 'unix' ? named.path : join(registryPath(env), 'broker.sock');
}

/** What NINEFOLD_BROKER means: a path, `unix:PATH`, `vsock:CID:PORT`, or `exec:COMMAND`. Throws NinefoldError BROKER_ADDRESS, SOURCE_SYNTAX (exit 64). */
export function brokerAddress(text: string): BrokerAddress {
  if (!/^[a-z-]+:/.test(text)) return { kind: 'unix', path: text };
  const source = parseSource(text);
  if (source.kind === 'unix' || source.kind === 'vsock' || source.kind === 'exec') return source;
  throw usageError(
    'BROKER_ADDRESS',
    'cannot use NINEFOLD_BROKER',
    JSON.stringify(text),
    `a broker is not reached by ${source.kind}`,
    'write the path of its socket, vsock:CID:PORT or exec:COMMAND',
  );
}

/** Its configuration: the option, NINEFOLD_BROKER_CONFIG, /etc/ninefold/broker.json for root, else $XDG_CONFIG_HOME/ninefold/broker.json. */
export function brokerConfig(option?: string, env: NodeJS.ProcessEnv = process.env): Place {
  const path = option ?? (env.NINEFOLD_BROKER_CONFIG || undefined);
  if (path !== undefined) return { path, named: true };
  return { path: usualConfig(env), named: false };
}

function usualConfig(env: NodeJS.ProcessEnv): string {
  if (process.geteuid?.() === 0) return '/etc/ninefold/broker.json';
  return join(env.XDG_CONFIG_HOME || join(env.HOME || homedir(), '.config'), 'ninefold/broker.json');
}

/** Where a call goes: NINEFOLD_QREXEC_CLIENT names qrexec's program; else a broker's socket that is there; else qrexec's program. */
export function callRoute(
  env: NodeJS.ProcessEnv = process.env,
): { broker: BrokerAddress } | { qrexec: string } {
  if (env.NINEFOLD_QREXEC_CLIENT) return { qrexec: env.NINEFOLD_QREXEC_CLIENT };
  if (env.NINEFOLD_BROKER) return { broker: brokerAddress(env.NINEFOLD_BROKER) };
  const path = brokerSocket(env);
  return existsSync(path) ? { broker: { kind: 'unix', path } } : { qrexec: 'qrexec-client-vm' };
}
