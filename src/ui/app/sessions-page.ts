// SPDX-License-Identifier: MIT

import Gtk from 'gi://Gtk?version=4.0';
import { fill } from '../model/manager-words.ts';
import { type SessionRow, sessionsOf } from '../model/sessions.ts';
import { LineCell, nameWidget } from './manager-cell.ts';
import { _ } from './manager-i18n.ts';
import { type Cell, ListOrWords, RowList } from './manager-list.ts';

/** What is mounted now, and the way to end it. */
export class SessionsPage {
  readonly widget: Gtk.Widget;
  readonly #list: RowList<SessionRow>;
  readonly #frame: ListOrWords;

  constructor(end: (row: SessionRow) => void) {
    this.#list = new RowList<SessionRow>(_('Mounted now'), () => sessionCell(end));
    this.#frame = new ListOrWords(this.#list.widget, _('Nobody has a folder mounted.'));
    this.#frame.show(true);
    this.widget = this.#frame.widget;
  }

  /** What `sessions --json` printed; how many there are. */
  update(json: unknown): number {
    const rows = sessionsOf(json, Date.now(), _);
    this.#list.show(rows);
    this.#frame.show(rows.length === 0);
    return rows.length;
  }
}

function sessionCell(end: (row: SessionRow) => void): Cell<SessionRow> {
  let current: SessionRow | undefined;
  const button = new Gtk.Button({ label: _('End now'), valign: Gtk.Align.CENTER });
  button.add_css_class('destructive-action');
  button.connect('clicked', () => {
    if (current !== undefined) end(current);
  });
  const line = new LineCell(true, [button]);
  return {
    widget: line.widget,
    draw(row) {
      current = row;
      const { title, details, access } = row;
      line.draw({
        title,
        details,
        badge: access === 'ro' ? _('read only') : _('read and write'),
        tone: access === 'ro' ? '' : 'warning',
      });
      nameWidget(button, fill(_('End now: {0}'), title));
    },
  };
}
