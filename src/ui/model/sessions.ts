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
      trafficWords(s.traffic, _),
    ];
    return [{ id: s.id, title: shown(s.folder), details, access: s.access === 'ro' ? 'ro' : 'rw' }];
  });
}

function trafficWords(traffic: unknown, _: Translate): string {
  if (!isObject(traffic) || typeof traffic.read !== 'number' || typeof traffic.written !== 'number')
    return _('traffic is not known here');
  return fill(_('{0} read, {1} written'), bytesWords(traffic.read), bytesWords(traffic.written));
}
