// SPDX-License-Identifier: MIT

import { isObject } from './manager-call.ts';
import { bytesWords, fill, finder, moment, shown, type Translate } from './manager-words.ts';
import { reasonWords } from './reasons.ts';

/** What the log tells of; `other`: an event of a newer version. */
export const EVENTS = [
  'request',
  'decision',
  'refused',
  'connection',
  'began',
  'end',
  'change',
  'flood',
  'damage',
] as const;
export type EventKind = (typeof EVENTS)[number] | 'other';

/** A line of the log. All strings are fit to be seen. */
export interface HistoryRow {
  /** Its place in the log, which stays the same. */
  readonly id: string;
  readonly time: number;
  readonly kind: EventKind;
  readonly machines: readonly string[];
  readonly title: string;
  readonly details: readonly string[];
  readonly text: string;
}

/** What of it is wanted; what is not given is not asked for. Times are milliseconds since 1970. */
export interface HistoryFilter {
  readonly machine?: string;
  readonly kind?: EventKind;
  readonly from?: number;
  readonly to?: number;
  /** Words that must all be there: of the folder, or whatever else. */
  readonly typed?: string;
}

/** The heading of an event. */
export function eventWords(kind: EventKind, _: Translate): string {
  const words: Readonly<Record<EventKind, string>> = {
    request: _('Asked'),
    decision: _('Decided'),
    refused: _('Refused without a question'),
    connection: _('Mounted'),
    began: _('Begun'),
    end: _('Ended'),
    change: _('Rule changed'),
    flood: _('Many requests'),
    damage: _('Damage'),
    other: _('Other'),
  };
  return words[kind];
}

/** An entry of the log, as JSON; `id`: where it stands. undefined: it makes no sense. */
export function entryOf(
  id: string,
  e: Readonly<Record<string, unknown>>,
  _: Translate,
): HistoryRow | undefined {
  if (typeof e.time !== 'string') return undefined;
  const event = e.event === 'connection' && typeof e.service === 'string' ? 'began' : e.event;
  const kind = EVENTS.find((name) => name === event) ?? 'other';
  const source = shown(e.source);
  const target = shown(e.target);
  const folder = shown(e.folder);
  const place = `${target}${target === '' || folder === '' ? '' : ':'}${folder}`;
  const title = [source, place].filter((part) => part !== '').join(' → ');
  const details = [
    e.access === 'ro' ? _('read only') : e.access === 'rw' ? _('read and write') : '',
    shown(e.service),
    resultWords(e.result, _),
    typeof e.count === 'number' ? timesWords(e.count, _) : '',
    trafficOf(e.traffic, _),
    reasonWords(e.why, _),
  ].filter((part) => part !== '');
  const time = Date.parse(e.time);
  return {
    id,
    time,
    kind,
    machines: [source, target].filter((name) => name !== ''),
    title: title === '' ? eventWords(kind, _) : title,
    details,
    text: [moment(time, true), eventWords(kind, _), title, ...details].join('\n').toLowerCase(),
  };
}

const timesWords = (count: number, _: Translate): string =>
  count === 1 ? _('one time') : fill(_('{0} times'), String(count));

/** Of a session that has ended, as its server said. */
function trafficOf(traffic: unknown, _: Translate): string {
  if (!isObject(traffic) || typeof traffic.read !== 'number' || typeof traffic.written !== 'number')
    return '';
  return fill(_('{0} read, {1} written'), bytesWords(traffic.read), bytesWords(traffic.written));
}

function resultWords(result: unknown, _: Translate): string {
  const words: Readonly<Record<string, string>> = {
    allow: _('allowed'),
    deny: _('denied'),
    denied: _('denied'),
    block: _('blocked'),
    blocked: _('blocked'),
    revoked: _('taken away'),
    timeout: _('nobody answered'),
    policy: _('by the rules about calls'),
    failed: _('the question failed'),
    unknown: _('no such machine'),
    pending: _('a question was open already'),
    'cool-down': _('too soon after a refusal'),
    queue: _('too many questions before it'),
    invalid: _('the request makes no sense'),
    refused: _('refused'),
    'connection refused': _('the mount was refused'),
    'to be ended': _('to be ended'),
    restored: _('put back'),
  };
  return typeof result === 'string' ? (words[result] ?? shown(result)) : '';
}

export function filterHistory(rows: readonly HistoryRow[], filter: HistoryFilter): HistoryRow[] {
  const { machine, kind, from, to, typed = '' } = filter;
  const found = finder(typed);
  return rows.filter(
    (row) =>
      (machine === undefined || row.machines.includes(machine)) &&
      (kind === undefined || row.kind === kind) &&
      (from === undefined || row.time >= from) &&
      (to === undefined || row.time <= to) &&
      found(row.text),
  );
}

/** The machines that the log names, in order, for the choice. */
export const historyMachines = (rows: readonly HistoryRow[]): string[] =>
  [...new Set(rows.flatMap((row) => row.machines))].sort();
