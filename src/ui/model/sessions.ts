// SPDX-License-Identifier: MIT

import { isObject } from './manager-call.ts';
import { bytesWords, fill, moment, shown, spanWords, type Translate } from './manager-words.ts';

/** A folder that is mounted now. All strings are fit to be seen. */
export interface SessionRow {
  readonly id: string;
  readonly title: string;
  readonly details: readonly string[];
  readonly access: 'ro' | 'rw';
}

/** Of the names that have changed in the folder of the sessions: is it more than their traffic, which changes every second? */
export const begunOrEnded = (names: ReadonlySet<string>): boolean =>
  [...names].some((name) => name.endsWith('.json'));

const ID = /^[0-9a-f]{8}(?![\s\S])/;

/** What `ninefold sessions --json` printed. `now`: milliseconds since 1970. */
export function sessionsOf(json: unknown, now: number, _: Translate): SessionRow[] {
  return (Array.isArray(json) ? json : []).flatMap((s): SessionRow[] => {
    if (!isObject(s) || typeof s.id !== 'string' || !ID.test(s.id)) return [];
    const since = Date.parse(String(s.since));
    const until = typeof s.until === 'string' ? Date.parse(s.until) : undefined;
    const details = [
      fill(_('mounted by {0}, from {1}'), shown(s.source), shown(s.target)),
      fill(_('since {0} ({1})'), moment(since), spanWords(now - since)),
      ...(until === undefined ? [] : [fill(_('ends {0}'), moment(until))]),
      ...(s.once === true ? [_('granted for once')] : []),
      trafficWords(s.traffic, shown(s.target), _),
    ];
    return [{ id: s.id, title: shown(s.folder), details, access: s.access === 'ro' ? 'ro' : 'rw' }];
  });
}

/** The word of the machine whose folder it is: nobody else counts. */
function trafficWords(traffic: unknown, target: string, _: Translate): string {
  if (!isObject(traffic) || !isBytes(traffic.read) || !isBytes(traffic.written))
    return fill(_('{0} does not say how much'), target);
  const { read, written } = traffic;
  return fill(_('{0} read, {1} written, says {2}'), bytesWords(read), bytesWords(written), target);
}

const isBytes = (n: unknown): n is number => typeof n === 'number' && Number.isSafeInteger(n) && n >= 0;
