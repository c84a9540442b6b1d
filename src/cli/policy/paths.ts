// SPDX-License-Identifier: MIT

import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { xdgFolder } from '../xdg.ts';

/** Qubes' own places, those of the original: its policy.db is taken over there. */
const QUBES_DIR = '/etc/qubes/shared-folders';
const QUBES_POLICY = '/etc/qubes/policy.d';
const POLICY_NAME = '79-qubes-shared-folders.policy';

export interface PolicyPaths {
  /** Rules, log, sessions. */
  readonly dir: string;
  /** qrexec's policy, where this machine decides for it. */
  readonly policyFile?: string;
  /** This is Qubes' dom0. */
  readonly qubes: boolean;
}

/**
 * Where the rules are: NINEFOLD_POLICY_DIR; /etc/qubes/shared-folders where that is; /var/lib/ninefold/policy for root; else $XDG_STATE_HOME/ninefold/policy. The qrexec policy file is that of
 * Qubes, or in the folder NINEFOLD_QREXEC_POLICY_DIR.
 */
export function policyPaths(env: NodeJS.ProcessEnv = process.env): PolicyPaths {
  const qubes = env.NINEFOLD_POLICY_DIR === undefined && existsSync(QUBES_DIR) && existsSync(QUBES_POLICY);
  const policyDir = env.NINEFOLD_QREXEC_POLICY_DIR || (qubes ? QUBES_POLICY : undefined);
  return {
    dir: env.NINEFOLD_POLICY_DIR || (qubes ? QUBES_DIR : ownDir(env)),
    ...(policyDir === undefined ? {} : { policyFile: join(policyDir, POLICY_NAME) }),
    qubes,
  };
}

function ownDir(env: NodeJS.ProcessEnv): string {
  if (process.geteuid?.() === 0) return '/var/lib/ninefold/policy';
  return join(xdgFolder(env.XDG_STATE_HOME, join(env.HOME || homedir(), '.local/state')), 'ninefold/policy');
}
