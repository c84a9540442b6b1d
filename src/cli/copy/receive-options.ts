// SPDX-License-Identifier: MIT

import { SANDBOXES } from '../serve/options.ts';
import { choiceOption, numberOption } from '../values.ts';
import { RECEIVE_DEFAULTS, type ReceiveSettings } from './receive-config.ts';

export const RECEIVE_OPTIONS: readonly (readonly [flag: string, value: string | undefined, help: string])[] =
  [
    ['allow-all-names', undefined, 'take names with any characters (never "..", "/" at an end or NUL)'],
    ['allow-unsafe-symlinks', undefined, 'take links that lead anywhere'],
    ['max-bytes', 'N', 'most bytes of one transfer (K, M, G; 0 = no limit, the default)'],
    ['max-files', 'N', `most items of one transfer (${RECEIVE_DEFAULTS.maxFiles})`],
    ['keep-free', 'BYTES', 'wait for space while less than this would stay free (K, M, G)'],
    ['space-patience', 'SECONDS', `how long to wait for space (${RECEIVE_DEFAULTS.spacePatience})`],
    ['idle-timeout', 'SECONDS', 'give up a sender that is silent for so long (0 = never, the default)'],
    ['conflicts', undefined, 'tell senders which names are taken, so that they can skip, rename or resume'],
    ['allow-replace', undefined, 'let senders replace files; implies --conflicts'],
    ['sandbox', 'KIND', `how the receiver is confined: ${SANDBOXES.join(', ')}`],
    ['verbose', undefined, 'name each file on stderr'],
  ];

/** Throws NinefoldError OPTION_VALUE (exit 64). `flags`: commander's. */
export function receiveSettings(flags: Readonly<Record<string, unknown>>): ReceiveSettings {
  const number = (key: string, flag: string, fallback: number): number =>
    typeof flags[key] === 'string'
      ? numberOption(`--${flag}`, flags[key], 0, Number.MAX_SAFE_INTEGER)
      : fallback;
  const d = RECEIVE_DEFAULTS;
  return {
    allowAllNames: flags.allowAllNames === true,
    allowUnsafeSymlinks: flags.allowUnsafeSymlinks === true,
    verbose: flags.verbose === true,
    conflicts: flags.conflicts === true || flags.allowReplace === true,
    allowReplace: flags.allowReplace === true,
    maxBytes: number('maxBytes', 'max-bytes', d.maxBytes),
    maxFiles: number('maxFiles', 'max-files', d.maxFiles),
    keepFree: number('keepFree', 'keep-free', d.keepFree),
    spacePatience: number('spacePatience', 'space-patience', d.spacePatience),
    idleTimeout: number('idleTimeout', 'idle-timeout', d.idleTimeout),
    sandbox: choiceOption(
      '--sandbox',
      String(flags.sandbox ?? process.env.NINEFOLD_SANDBOX ?? d.sandbox),
      SANDBOXES,
    ),
  };
}
