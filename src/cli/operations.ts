// SPDX-License-Identifier: MIT

import { printable } from '../base/error.ts';
import { OPERATIONS } from '../p9/messages.ts';
import { usageError } from './report.ts';
import { listOption } from './values.ts';

/** Without these no client can begin, end or give up anything: `--allow` always includes them, `--deny` refuses them. */
const INDISPENSABLE: readonly string[] = ['version', 'attach', 'flush', 'clunk'];

export const OPERATION_NAMES: readonly string[] = [...OPERATIONS.keys()].sort();

/**
 * The operations to refuse, from sftp-server's two ways of saying it: `--deny` names those to refuse, `--allow` all that remain.
 * Throws NinefoldError OPERATION_UNKNOWN or OPERATION_NEEDED (exit 64).
 */
export function deniedOperations(deny: string | undefined, allow: string | undefined): Set<string> {
  const denied = new Set<string>();
  if (allow !== undefined) {
    const allowed = new Set([...names('--allow', allow), ...INDISPENSABLE]);
    for (const name of OPERATION_NAMES) if (!allowed.has(name)) denied.add(name);
  }
  for (const name of deny === undefined ? [] : names('--deny', deny)) {
    if (INDISPENSABLE.includes(name))
      throw usageError(
        'OPERATION_NEEDED',
        'cannot refuse the operation',
        name,
        'no client could work without it',
        'leave it out of --deny',
      );
    denied.add(name);
  }
  return denied;
}

function names(flag: string, text: string): string[] {
  const list = listOption(text);
  for (const name of list)
    if (!OPERATIONS.has(name))
      throw usageError(
        'OPERATION_UNKNOWN',
        'there is no operation',
        `"${printable(name)}" for ${flag}`,
        '9P2000.L does not have it',
        `use some of ${OPERATION_NAMES.join(', ')}`,
      );
  return list;
}
