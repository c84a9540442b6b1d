// SPDX-License-Identifier: MIT

import { printable } from '../../base/error.ts';
import type { Taken } from './original.ts';

/** What a person should know of a reply that has come; undefined when all is as it was meant. */
export function takenWords(taken: Taken, file: string): string | undefined {
  switch (taken.kind) {
    case 'same':
    case 'replaced':
      return undefined;
    case 'read-only':
      return `${printable(file)} is in a folder that cannot be written to: the edited copy is ${printable(taken.where)}`;
    case 'unsure':
      return `${printable(file)} stays, because the connection does not tell whether what came back is whole: the edited copy is ${printable(taken.where)}`;
    case 'conflict':
      return `${printable(file)} was changed here meanwhile, and stays: the edited copy is ${printable(taken.where)}`;
  }
}
