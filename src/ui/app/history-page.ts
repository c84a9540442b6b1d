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
} from '../model/history.ts';
import { HistoryLog, pageSlices, ROWS_MAX } from '../model/history-log.ts';
import { fill, moment } from '../model/manager-words.ts';
import { oneAtATime } from '../model/one-at-a-time.ts';
import { barOf, choice, LineCell, nameWidget } from './manager-cell.ts';
import { _ } from './manager-i18n.ts';
import { type Cell, ListOrWords, RowList } from './manager-list.ts';
import { inSlices } from './slices.ts';

/** How far back, in milliseconds; 0: all there is. */
const SPANS_MS = [0, 3_600_000, 86_400_000, 604_800_000] as const;

const TONES: Readonly<Partial<Record<EventKind, string>>> = {
  connection: 'success',
  refused: 'error',
  flood: 'error',
  damage: 'error',
};

/** Gets a page of the log, as text: the latest, or the one before a place; undefined: it could not, and has said so. */
export type FetchLog = (before?: string) => Promise<string | undefined>;

/** What the log tells, the latest first, as far back as a person scrolls or looks. */
export class HistoryPage {
  readonly widget = new Gtk.Box({ orientation: Gtk.Orientation.VERTICAL });
  readonly search = new Gtk.SearchEntry({ hexpand: true, placeholder_text: _('Folder, or any word') });
  readonly #fetch: FetchLog;
  readonly #log = new HistoryLog();
  readonly #list = new RowList<HistoryRow>(_('History'), historyCell);
  readonly #frame = new ListOrWords(this.#list.widget, '', () => void this.#back());
  readonly #machine: Gtk.DropDown;
  readonly #foot = new Gtk.Box({
    spacing: 12,
    margin_start: 12,
    margin_end: 12,
    margin_top: 6,
    margin_bottom: 6,
  });
  readonly #state = new Gtk.Label({ xalign: 0, hexpand: true, wrap: true });
  readonly #more = new Gtk.Button({ label: _('Show older') });
  #machines: string[] = [];
  #chosen: string | undefined;
  #kind: EventKind | undefined;
  #span: number = SPANS_MS[0];
  /** The choice of machines is being filled, and tells of no wish. */
  #filling = false;
  #going = false;

  constructor(fetch: FetchLog) {
    this.#fetch = fetch;
    nameWidget(this.search, _('Search the history'));
    this.search.connect('search-changed', () => this.#choose());
    this.#machine = choice(_('Machine'), [_('all machines')], (at) => {
      if (this.#filling) return;
      this.#chosen = at === 0 ? undefined : this.#machines[at - 1];
      this.#choose();
    });
    const kinds = [_('all events'), ...EVENTS.map((kind) => eventWords(kind, _))];
    const kind = choice(_('Event'), kinds, (at) => {
      this.#kind = at === 0 ? undefined : EVENTS[at - 1];
      this.#choose();
    });
    const spans = [_('any time'), _('last hour'), _('last day'), _('last week')];
    const span = choice(_('Time'), spans, (at) => {
      this.#span = SPANS_MS[at] ?? 0;
      this.#choose();
    });
    this.#state.add_css_class('dim-label');
    this.#more.connect('clicked', () => void this.#back());
    this.#foot.append(this.#state);
    this.#foot.append(this.#more);
    this.widget.append(barOf(this.search, this.#machine, kind, span));
    this.widget.append(this.#frame.widget);
    this.widget.append(this.#foot);
    this.#show();
  }

  /** Something has happened: the latest page is looked at anew. */
  readonly load = oneAtATime(async () => {
    const text = await this.#fetch();
    if (text === undefined) return;
    this.#log.update(await inSlices(pageSlices(text, _, this.#log.known)));
    this.#fillMachines();
    this.#show();
  });

  /** One page further back. */
  async #back(): Promise<void> {
    const { older } = this.#log;
    if (older === undefined || this.#going) return;
    this.#going = true;
    this.#tellState();
    const text = await this.#fetch(older);
    const page = text === undefined ? undefined : await inSlices(pageSlices(text, _));
    this.#going = false;
    // What is wanted may be another thing by now, and begin anew.
    if (page !== undefined && this.#log.older === older)
      this.#log.add(page, (rows) => filterHistory(rows, this.#filter()));
    this.#fillMachines();
    this.#show(page !== undefined);
  }

  #fillMachines(): void {
    const machines = historyMachines(this.#log.rows);
    const chosen = this.#chosen;
    if (chosen !== undefined && !machines.includes(chosen)) machines.push(chosen);
    if (machines.join('\n') === this.#machines.join('\n')) return;
    this.#machines = machines;
    this.#filling = true;
    this.#machine.model = Gtk.StringList.new([_('all machines'), ...machines]);
    this.#machine.selected = chosen === undefined ? 0 : machines.indexOf(chosen) + 1;
    this.#filling = false;
  }

  #filter(): HistoryFilter {
    return {
      typed: this.search.text ?? '',
      ...(this.#chosen === undefined ? {} : { machine: this.#chosen }),
      ...(this.#kind === undefined ? {} : { kind: this.#kind }),
      ...(this.#span === 0 ? {} : { from: Date.now() - this.#span }),
    };
  }

  #choose(): void {
    this.#log.restart();
    this.#show();
  }

  /** `goOn`: a filter may look further back. */
  #show(goOn = true): void {
    const filter = this.#filter();
    const rows = filterHistory(this.#log.rows, filter);
    this.#list.show(rows);
    this.#frame.show(
      rows.length === 0,
      this.#log.rows.length === 0 && this.#log.older === undefined
        ? _('Nothing has happened yet.')
        : _('Nothing in the log is like that.'),
    );
    if (goOn && this.#log.looksOn(rows.length, filter)) void this.#back();
    this.#tellState();
  }

  #tellState(): void {
    const { damaged, full, older } = this.#log;
    const words = [
      damaged === 0 ? '' : fill(_('Lines of the log that cannot be read: {0}'), String(damaged)),
      this.#going ? _('Looking at what is older') : '',
      full
        ? fill(_('There is more, but not more than {0} lines are shown: narrow it down.'), String(ROWS_MAX))
        : '',
    ].filter((part) => part !== '');
    this.#state.label = words.join(' · ');
    this.#more.visible = older !== undefined;
    this.#more.sensitive = !this.#going;
    this.#foot.visible = words.length > 0 || older !== undefined;
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
