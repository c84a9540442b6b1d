// SPDX-License-Identifier: MIT

import { formatSource, MOUNTED, parseSource } from '../../transport/source.ts';
import { inWorkingFolder } from './working-folder.ts';

/** The source with the path of a socket made absolute: it shall mean the same later and elsewhere. One whose path would be too long so stays as it is. Throws NinefoldError SOURCE_SYNTAX (exit 64). */
export function absoluteSource(text: string): string {
  const source = parseSource(text, MOUNTED);
  if ((source.kind !== 'unix' && source.kind !== 'hybrid-vsock') || source.path.startsWith('/')) return text;
  const absolute = formatSource({ ...source, path: inWorkingFolder(source.path) });
  try {
    parseSource(absolute);
    return absolute;
  } catch {
    return text;
  }
}
