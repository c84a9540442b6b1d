// SPDX-License-Identifier: MIT

import { isObject } from './manager-call.ts';
import { fill, shown, type Translate } from './manager-words.ts';

/** Something to be told. All strings are plain text. */
export interface Notice {
  /** The session's: the notice of its end takes the place of that of its begin. */
  readonly id: string;
  readonly title: string;
  readonly body: string;
}

interface Known {
  readonly source: string;
  readonly target: string;
  readonly folder: string;
  readonly access: string;
}

/**
 * Compares what is mounted with what was, and says what began and what ended. The first look tells nothing: what was there before the program is no news.
 */
export class SessionWatch {
  #known: Map<string, Known> | undefined;

  get count(): number {
    return this.#known?.size ?? 0;
  }

  /** `json`: what `ninefold sessions --json` printed. */
  look(json: unknown, _: Translate): Notice[] {
    const now = new Map<string, Known>();
    for (const s of Array.isArray(json) ? json : [])
      if (isObject(s) && typeof s.id === 'string')
        now.set(shown(s.id), {
          source: shown(s.source),
          target: shown(s.target),
          folder: shown(s.folder),
          access: s.access === 'ro' ? _('read only') : _('read and write'),
        });
    const before = this.#known;
    this.#known = now;
    if (before === undefined) return [];
    const notices: Notice[] = [];
    for (const [id, s] of before)
      if (!now.has(id))
        notices.push({
          id,
          title: fill(_('{0} has let go of a folder of {1}'), s.source, s.target),
          body: s.folder,
        });
    for (const [id, s] of now)
      if (!before.has(id))
        notices.push({
          id,
          title: fill(_('{0} has mounted a folder of {1}'), s.source, s.target),
          body: `${s.folder}\n${s.access}`,
        });
    return notices;
  }
}

/** What the status entry says while something is mounted. */
export function statusWords(count: number, _: Translate): string {
  if (count === 0) return _('No folder is shared');
  return count === 1 ? _('One folder is shared') : fill(_('{0} folders are shared'), String(count));
}
