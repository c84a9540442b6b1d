// SPDX-License-Identifier: MIT

import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { registryPath } from '../mount/registry.ts';

/** The broker's own socket: NINEFOLD_BROKER, else `broker.sock` in the run-time folder of the user. */
export const brokerSocket = (env: NodeJS.ProcessEnv = process.env): string =>
  env.NINEFOLD_BROKER || join(registryPath(env), 'broker.sock');

/** Its configuration: NINEFOLD_BROKER_CONFIG, /etc/ninefold/broker.json for root, else $XDG_CONFIG_HOME/ninefold/broker.json. */
export function brokerConfig(env: NodeJS.ProcessEnv = process.env): string {
  if (env.NINEFOLD_BROKER_CONFIG) return env.NINEFOLD_BROKER_CONFIG;
  if (process.geteuid?.() === 0) return '/etc/ninefold/broker.json';
  return join(env.XDG_CONFIG_HOME || join(env.HOME || homedir(), '.config'), 'ninefold/broker.json');
}

/** Where a call goes: NINEFOLD_QREXEC_CLIENT names qrexec's program; else a broker's socket that is there; else qrexec's program. */
export function callRoute(env: NodeJS.ProcessEnv = process.env): { broker: string } | { qrexec: string } {
  if (env.NINEFOLD_QREXEC_CLIENT) return { qrexec: env.NINEFOLD_QREXEC_CLIENT };
  const broker = brokerSocket(env);
  return env.NINEFOLD_BROKER || existsSync(broker) ? { broker } : { qrexec: 'qrexec-client-vm' };
}
