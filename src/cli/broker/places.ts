// SPDX-License-Identifier: MIT

import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import type { BrokerAddress } from '../../broker/broker-caller.ts';
import type { Place } from '../../broker/config.ts';
import { parseSource } from '../../transport/source.ts';
import { checkOwn, registryPath } from '../mount/registry.ts';
import { usageError } from '../report.ts';

/** A broker's own socket. `own`: nobody has named it, so nobody but this user or root may be behind it. */
export type BrokerPlace = Extract<BrokerAddress, { kind: 'unix' }>;

/** The broker's own socket: NINEFOLD_BROKER where that is a path, else `broker.sock` in the run-time folder of the user. */
export function brokerPlace(env: NodeJS.ProcessEnv = process.env): BrokerPlace {
  const named = env.NINEFOLD_BROKER ? brokerAddress(env.NINEFOLD_BROKER) : undefined;
  return named?.kind === 'unix' ? named : usualPlace(env);
}

const usualPlace = (env: NodeJS.ProcessEnv): BrokerPlace => ({
  kind: 'unix',
  path: join(registryPath(env), 'broker.sock'),
  own: true,
});

/** Where a program looks for the broker: at `named` (an option), at NINEFOLD_BROKER, or at the usual place. Throws NinefoldError REGISTRY (exit 78) when that is in a folder of another's, who could listen there. */
export function brokerOf(named: string | undefined, env: NodeJS.ProcessEnv = process.env): BrokerAddress {
  if (named !== undefined) return brokerAddress(named);
  if (env.NINEFOLD_BROKER) return brokerAddress(env.NINEFOLD_BROKER);
  const place = usualPlace(env);
  if (existsSync(place.path)) checkOwn(dirname(place.path), 'will not look for the broker in');
  return place;
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
  const there = env.NINEFOLD_BROKER || existsSync(usualPlace(env).path);
  return there ? { broker: brokerOf(undefined, env) } : { qrexec: 'qrexec-client-vm' };
}
