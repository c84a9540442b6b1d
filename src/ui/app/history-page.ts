// SPDX-License-Identifier: MIT

import Gtk from 'gi://Gtk?version=4.0';
import {
  EVENTS,
  type EventKind,
  eventWords,
  filterHistory,
  type HistoryFilter,
  type HistoryRow,
  historyMachines,
  historyOf,
} from '../model/history.ts';
import { moment } from '../model/manager-words.ts';
import { barOf, choice, LineCell, nameWidget } from './manager-cell.ts';
import { _ } from './manager-i18n.ts';
import { type Cell, ListOrWords, RowList } from './manager-list.ts';

/** How far back, in milliseconds; 0: all there is. */
const SPANS_MS = [0, 3_600_000, 86_400_000, 604_800_000] as const;

const TONES: Readonly<Partial<Record<EventKind, string>>> = {
  connection: 'success',
  refused: 'error',
  flood: 'error',
  damage: 'error',
};

/** What the log tells, the latest first. */
export class HistoryPage {
  readonly widget = new Gtk.Box({ orientation: Gtk.Orientation.VERTICAL });
  readonly search = new Gtk.SearchEntry({ hexpand: true, placeholder_text: _('Folder, or any word') });
  readonly #list = new RowList<HistoryRow>(_('History'), historyCell);
  readonly #frame = new ListOrWords(this.#list.widget, '');
  readonly #machine: Gtk.DropDown;
  #rows: HistoryRow[] = [];
  #machines: string[] = [];
  #chosen: string | undefined;
  #kind: EventKind | undefined;
  #span: number = SPANS_MS[0];

  constructor() {
    nameWidget(this.search, _('Search the history'));
    this.search.connect('search-changed', () => this.#show());
    this.#machine = choice(_('Machine'), [_('all machines')], (at) => {
      this.#chosen = at === 0 ? undefined : this.#machines[at - 1];
      this.#show();
    });
    const kinds = [_('all events'), ...EVENTS.map((kind) => eventWords(kind, _))];
    const kind = choice(_('Event'), kinds, (at) => {
      this.#kind = at === 0 ? undefined : EVENTS[at - 1];
      this.#show();
    });
    const spans = [_('any time'), _('last hour'), _('last day'), _('last week')];
    const span = choice(_('Time'), spans, (at) => {
      this.#span = SPANS_MS[at] ?? 0;
      this.#show();
    });
    this.widget.append(barOf(this.search, this.#machine, kind, span));
    this.widget.append(this.#frame.widget);
    this.#show();
  }

  /** The JSON lines of the log. */
  update(text: string): void {
    this.#rows = historyOf(text, _);
    const machines = historyMachines(this.#rows);
    if (machines.join('\n') !== this.#machines.join('\n')) {
      const chosen = this.#chosen;
      this.#machines = machines;
      this.#machine.model = Gtk.StringList.new([_('all machines'), ...machines]);
      this.#machine.selected = chosen === undefined ? 0 : machines.indexOf(chosen) + 1;
    }
    this.#show();
  }

  #show(): void {
    const filter: HistoryFilter = {
      typed: this.search.text ?? '',
      ...(this.#chosen === undefined ? {} : { machine: this.#chosen }),
      ...(this.#kind === undefined ? {} : { kind: this.#kind }),
      ...(this.#span === 0 ? {} : { from: Date.now() - this.#span }),
    };
    const rows = filterHistory(this.#rows, filter);
    this.#list.show(rows);
    this.#frame.show(
      rows.length === 0,
      this.#rows.length === 0 ? _('Nothing has happened yet.') : _('Nothing in the log is like that.'),
    );
  }
}

function historyCell(): Cell<HistoryRow> {
  const line = new LineCell(true, []);
  return {
    widget: line.widget,
    draw({ title, details, time, kind }) {
      line.draw({
        title,
        details: [moment(time, true), ...details],
        badge: eventWords(kind, _),
        tone: TONES[kind] ?? '',
      });
    },
  };
}
