// SPDX-License-Identifier: MIT

import { fileURLToPath } from 'node:url';

/** A command line and environment, complete: what is not in `env` is not there. */
export interface Launch {
  readonly argv: readonly string[];
  readonly env: Record<string, string>;
}

/** The bundled program beside this one: everything here runs from dist/bin. */
export const programPath = (name: string): string => fileURLToPath(new URL(`./${name}.mjs`, import.meta.url));
