// SPDX-License-Identifier: MIT

import { isObject } from './manager-call.ts';
import { bytesWords, fill, moment, shown, type Translate } from './manager-words.ts';

/** A mount of this machine. `title` and `details` are fit to be seen; `name` is checked. */
export interface MountLine {
  readonly id: string;
  /** Of a saved one. */
  readonly name: string | undefined;
  readonly source: string;
  readonly mountpoint: string;
  readonly title: string;
  readonly details: readonly string[];
  readonly mounted: boolean;
  /** Its server is gone, or its process: it can only be ended. */
  readonly broken: boolean;
  readonly login: boolean;
  readonly readOnly: boolean;
  readonly options: string;
}

const NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}(?![\s\S])/;

/** What `ninefold mounts list --json` printed. */
export function mountsOf(json: unknown, _: Translate): MountLine[] {
  return (Array.isArray(json) ? json : []).flatMap((m): MountLine[] => {
    if (!isObject(m) || typeof m.source !== 'string' || typeof m.mountpoint !== 'string') return [];
    const name = typeof m.name === 'string' && NAME.test(m.name) ? m.name : undefined;
    const state = String(m.state);
    // Another user's: nothing can be done about it here.
    if (name === undefined && state === 'unknown') return [];
    return [
      {
        id: name ?? m.mountpoint,
        name,
        source: m.source,
        mountpoint: m.mountpoint,
        title: name ?? shown(m.mountpoint),
        details: [
          shown(m.source),
          ...(name === undefined ? [_('not saved')] : [fill(_('on {0}'), shown(m.mountpoint))]),
          `${stateWords(state, _)}${typeof m.reason === 'string' ? `: ${shown(m.reason)}` : ''}`,
          ...(m.readOnly === true ? [_('read only')] : []),
          ...trafficWords(m, _),
        ],
        mounted: state !== 'unmounted',
        broken: !['unmounted', 'connected', 'unknown'].includes(state),
        login: m.login === true,
        readOnly: m.readOnly === true,
        options: typeof m.options === 'string' ? m.options : '',
      },
    ];
  });
}

function stateWords(state: string, _: Translate): string {
  const words: Readonly<Record<string, string>> = {
    unmounted: _('not mounted'),
    connected: _('mounted'),
    disconnected: _('its server is lost'),
    dead: _('its process is gone'),
    stuck: _('it does not answer'),
    unknown: _('mounted by another user'),
  };
  return words[state] ?? shown(state);
}

function trafficWords(m: Readonly<Record<string, unknown>>, _: Translate): string[] {
  const since = typeof m.since === 'string' ? [fill(_('since {0}'), moment(Date.parse(m.since)))] : [];
  if (typeof m.bytesRead !== 'number' || typeof m.bytesWritten !== 'number') return since;
  return [...since, fill(_('{0} read, {1} written'), bytesWords(m.bytesRead), bytesWords(m.bytesWritten))];
}
