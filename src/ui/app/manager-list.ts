// SPDX-License-Identifier: MIT

import Gio from 'gi://Gio?version=2.0';
import GLib from 'gi://GLib?version=2.0';
import GObject from 'gi://GObject?version=2.0';
import Gtk from 'gi://Gtk?version=4.0';

/** Rows: a screenful; how many then at a time; how many GTK keeps widgets for (205) and some more. */
const AT_ONCE = 20;
const A_FEW = 5;
const WITH_WIDGETS = 240;
/** Between them, so that keys and the pointer come first. */
const PAUSE_MS = 12;

/** A row of a list, as an object that GTK can keep. */
class RowItem extends GObject.Object {
  static {
    GObject.registerClass(RowItem);
  }
  row: { readonly id: string } | undefined;
  /** Draws it again, while it is on the screen. */
  draw: (() => void) | undefined;
}

/** The widgets of one line; they are used again for other rows as the list scrolls. */
export interface Cell<R> {
  readonly widget: Gtk.Widget;
  draw(row: R): void;
}

/** A long list of which only what is on the screen has widgets. */
export class RowList<R extends { readonly id: string }> {
  readonly widget: Gtk.ListView;
  readonly #store = new Gio.ListStore({ item_type: RowItem.$gtype });
  readonly #selection = new Gtk.SingleSelection({
    model: this.#store,
    autoselect: false,
    can_unselect: true,
  });
  /** What is in the store. */
  #items: readonly RowItem[] = [];
  /** The source that adds what is left, or 0. */
  #adding = 0;

  /** `selectable`: heads of groups are not. `name`: for a screen reader. */
  constructor(
    name: string,
    makeCell: () => Cell<R>,
    selectable: (row: R) => boolean = () => true,
    activated: (row: R) => void = () => {},
  ) {
    const factory = new Gtk.SignalListItemFactory();
    const cells = new Map<Gtk.Widget, Cell<R>>();
    const listItem = (object: GObject.Object): Gtk.ListItem => object as Gtk.ListItem;
    factory.connect('setup', (_factory, object) => {
      const cell = makeCell();
      cells.set(cell.widget, cell);
      listItem(object).set_child(cell.widget);
    });
    factory.connect('bind', (_factory, object) => {
      const item = listItem(object).get_item() as RowItem;
      const child = listItem(object).get_child();
      const cell = child === null ? undefined : cells.get(child);
      item.draw = () => {
        if (item.row === undefined) return;
        const usable = selectable(item.row as R);
        listItem(object).set_selectable(usable);
        listItem(object).set_activatable(usable);
        cell?.draw(item.row as R);
      };
      item.draw();
    });
    factory.connect('unbind', (_factory, object) => {
      (listItem(object).get_item() as RowItem).draw = undefined;
    });
    factory.connect('teardown', (_factory, object) => {
      const child = listItem(object).get_child();
      if (child !== null) cells.delete(child);
    });
    this.widget = new Gtk.ListView({ model: this.#selection, factory, single_click_activate: false });
    this.widget.add_css_class('navigation-sidebar');
    this.widget.update_property([Gtk.AccessibleProperty.LABEL], [name]);
    // Or GTK calls the factory when nothing can be called any more: at the end of the program.
    this.widget.connect('unrealize', () => {
      this.#stop();
      this.widget.model = null as unknown as Gtk.SelectionModel;
      this.widget.factory = null as unknown as Gtk.ListItemFactory;
    });
    this.widget.connect('activate', (_list, position) => {
      const { row } = this.#items[position] ?? {};
      if (row !== undefined) activated(row as R);
    });
  }

  get selected(): R | undefined {
    const item = this.#selection.get_selected_item() as RowItem | null;
    return item?.row as R | undefined;
  }

  /**
   * Shows these rows; what stays keeps its place, selection and focus, and is drawn again only if it is another object. Of many new ones a screenful comes at once and the others a few at a time: the widgets of a
   * row take GTK about two milliseconds.
   */
  show(rows: readonly R[]): void {
    this.#stop();
    const before = this.#items;
    const same = (item: RowItem | undefined, row: R | undefined): boolean =>
      item !== undefined && row !== undefined && item.row?.id === row.id;
    let head = 0;
    while (same(before[head], rows[head])) head++;
    let tail = 0;
    while (
      tail < Math.min(before.length, rows.length) - head &&
      same(before[before.length - 1 - tail], rows[rows.length - 1 - tail])
    )
      tail++;
    const stay = [
      ...before.slice(0, head).map((item, i) => [item, rows[i]] as const),
      ...before.slice(before.length - tail).map((item, i) => [item, rows[rows.length - tail + i]] as const),
    ];
    for (const [item, row] of stay) {
      if (row === undefined || item.row === row) continue;
      item.row = row;
      item.draw?.();
    }
    const added = rows.slice(head, rows.length - tail).map((row) => {
      const item = new RowItem();
      item.row = row;
      return item;
    });
    const first = added.slice(0, AT_ONCE);
    this.#splice(head, before.length - tail - head, first);
    this.#add(head + first.length, added.slice(first.length), first.length);
  }

  #splice(at: number, gone: number, added: readonly RowItem[]): void {
    if (gone === 0 && added.length === 0) return;
    this.#items = [...this.#items.slice(0, at), ...added, ...this.#items.slice(at + gone)];
    this.#store.splice(at, gone, [...added]);
  }

  #add(at: number, left: readonly RowItem[], so: number): void {
    if (left.length === 0) return;
    this.#adding = GLib.timeout_add(GLib.PRIORITY_DEFAULT_IDLE, PAUSE_MS, () => {
      this.#adding = 0;
      // Beyond what GTK makes widgets for they cost next to nothing.
      const now = left.slice(0, so < WITH_WIDGETS ? A_FEW : left.length);
      this.#splice(at, 0, now);
      this.#add(at + now.length, left.slice(now.length), so + now.length);
      return GLib.SOURCE_REMOVE;
    });
  }

  #stop(): void {
    if (this.#adding !== 0) GLib.source_remove(this.#adding);
    this.#adding = 0;
  }
}

/** A list that scrolls, or, while it is empty, words that say so. */
export class ListOrWords {
  readonly widget = new Gtk.Stack({ vexpand: true });
  readonly #label: Gtk.Label;
  #words: string;

  /** `atEnd`: a person has scrolled to the end. */
  constructor(list: Gtk.Widget, words: string, atEnd: () => void = () => {}) {
    const scrolled = new Gtk.ScrolledWindow({ hscrollbar_policy: Gtk.PolicyType.NEVER, child: list });
    scrolled.connect('edge-reached', (_scrolled, edge) => {
      if (edge === Gtk.PositionType.BOTTOM) atEnd();
    });
    this.#words = words;
    this.#label = new Gtk.Label({ wrap: true, justify: Gtk.Justification.CENTER });
    this.#label.add_css_class('dim-label');
    for (const side of ['margin_start', 'margin_end'] as const) this.#label[side] = 24;
    this.widget.add_named(scrolled, 'list');
    this.widget.add_named(this.#label, 'words');
  }

  show(empty: boolean, words = this.#words): void {
    this.#words = words;
    // Nothing is said, to a screen reader either, while there is something.
    this.#label.label = empty ? words : '';
    this.widget.set_visible_child_name(empty ? 'words' : 'list');
  }
}
