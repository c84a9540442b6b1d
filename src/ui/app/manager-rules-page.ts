// SPDX-License-Identifier: MIT

import Gtk from 'gi://Gtk?version=4.0';
import {
  accessWords,
  type Grouping,
  type ListRow,
  type RuleRow,
  ruleSlices,
  sortRules,
  visible,
} from '../model/manager-rules.ts';
import { fill } from '../model/manager-words.ts';
import { barOf, choice, iconButton, LineCell, nameWidget } from './manager-cell.ts';
import { _ } from './manager-i18n.ts';
import { type Cell, ListOrWords, RowList } from './manager-list.ts';
import { inSlices } from './slices.ts';

/** What the page asks of its window. */
export interface RuleActions {
  edit(row: RuleRow): void;
  revoke(row: RuleRow): void;
}

const TONES = { allow: '', deny: 'error', block: 'error' } as const;

/** All grants, denials and blocks: searched, grouped, changed. */
export class RulesPage {
  readonly widget = new Gtk.Box({ orientation: Gtk.Orientation.VERTICAL });
  readonly search = new Gtk.SearchEntry({ hexpand: true, placeholder_text: _('Search') });
  readonly #list: RowList<ListRow>;
  readonly #frame: ListOrWords;
  #rows: RuleRow[] = [];
  #sorted: RuleRow[] = [];
  #by: Grouping = 'source';

  constructor(actions: RuleActions) {
    this.#list = new RowList<ListRow>(
      _('Rules'),
      () => ruleCell(actions),
      (row) => row.kind === 'rule',
      (row) => {
        if (row.kind === 'rule') actions.edit(row);
      },
    );
    this.#frame = new ListOrWords(this.#list.widget, '');
    nameWidget(this.search, _('Search'));
    this.search.connect('search-changed', () => this.#show());
    const by = choice(_('Group by'), [_('by who mounts'), _('by whose folder')], (at) => {
      this.#by = at === 0 ? 'source' : 'target';
      this.#sorted = sortRules(this.#rows, this.#by);
      this.#show();
    });
    this.widget.append(barOf(this.search, by));
    this.widget.append(this.#frame.widget);
    this.#show();
  }

  get selected(): RuleRow | undefined {
    const row = this.#list.selected;
    return row?.kind === 'rule' ? row : undefined;
  }

  /** What `policy list` printed; of many rules the window stays awake meanwhile. A sentence when some of it makes no sense. One at a time. */
  async update(json: unknown): Promise<string | undefined> {
    const { rows, odd } = await inSlices(ruleSlices(json, _, this.#rows));
    this.#rows = rows;
    this.#sorted = sortRules(rows, this.#by);
    this.#show();
    return odd === 0
      ? undefined
      : fill(_('{0} rules are not shown: they make no sense to this version.'), String(odd));
  }

  #show(): void {
    const list = visible(this.#sorted, this.search.text ?? '', this.#by);
    this.#list.show(list);
    this.#frame.show(
      list.length === 0,
      this.#rows.length === 0
        ? _('There are no rules: everything is asked about.')
        : _('No rule is like that.'),
    );
  }
}

function ruleCell(actions: RuleActions): Cell<ListRow> {
  let current: RuleRow | undefined;
  const edit = iconButton('document-edit-symbolic', _('Edit'), () => {
    if (current !== undefined) actions.edit(current);
  });
  const revoke = iconButton('user-trash-symbolic', _('Revoke'), () => {
    if (current !== undefined) actions.revoke(current);
  });
  const line = new LineCell(true, [edit, revoke]);
  const head = new Gtk.Label({ xalign: 0, margin_top: 12, margin_bottom: 2 });
  head.add_css_class('heading');
  const widget = new Gtk.Box({ orientation: Gtk.Orientation.VERTICAL });
  widget.append(head);
  widget.append(line.widget);
  return {
    widget,
    draw(row) {
      head.visible = row.kind === 'group';
      line.widget.visible = row.kind === 'rule';
      current = row.kind === 'rule' ? row : undefined;
      if (row.kind === 'group') {
        head.label = `${row.title}  (${row.count})`;
        return;
      }
      const { rule, title, details } = row;
      const tone = rule.effect === 'allow' && rule.access === 'rw' ? 'warning' : TONES[rule.effect];
      line.draw({ title, details, badge: accessWords(rule, _), tone });
      nameWidget(edit, fill(_('Edit {0}'), title));
      nameWidget(revoke, fill(_('Revoke {0}'), title));
    },
  };
}
