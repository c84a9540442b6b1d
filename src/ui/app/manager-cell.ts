// SPDX-License-Identifier: MIT

import Gtk from 'gi://Gtk?version=4.0';
import Pango from 'gi://Pango?version=1.0';

/** What one line shows. All of it is plain text: no label here reads markup. */
export interface Line {
  readonly title: string;
  readonly details: readonly string[];
  readonly badge?: string;
  /** CSS classes of the badge: success, warning, error, accent. */
  readonly tone?: string;
}

/** Characters of details that stand in one line. */
const ONE_LINE = 60;

/** Title, details below it, a badge, and buttons at the end. */
export class LineCell {
  readonly widget = new Gtk.Box({ spacing: 12, margin_top: 6, margin_bottom: 6 });
  readonly #title = new Gtk.Label({
    xalign: 0,
    ellipsize: Pango.EllipsizeMode.MIDDLE,
  });
  readonly #details = [detailLabel(), detailLabel()] as const;
  readonly #badge = new Gtk.Label({ valign: Gtk.Align.CENTER });
  #tone = '';

  constructor(monospace: boolean, buttons: readonly Gtk.Widget[]) {
    this.#title.add_css_class(monospace ? 'monospace' : 'heading');
    for (const name of ['caption-heading', 'ninefold-badge']) this.#badge.add_css_class(name);
    const words = new Gtk.Box({ orientation: Gtk.Orientation.VERTICAL, spacing: 2, hexpand: true });
    words.append(this.#title);
    for (const label of this.#details) words.append(label);
    this.widget.append(words);
    this.widget.append(this.#badge);
    for (const button of buttons) this.widget.append(button);
  }

  draw({ title, details, badge = '', tone = '' }: Line): void {
    this.#title.label = title;
    // What does not fit is told by the tooltip: lines that wrap would cost more than all else of a long list.
    const short = details.join(' · ').length <= ONE_LINE;
    const half = short ? details.length : Math.ceil(details.length / 2);
    const lines = [details.slice(0, half).join(' · '), details.slice(half).join(' · ')];
    for (const [i, label] of this.#details.entries()) {
      label.label = lines[i] ?? '';
      label.visible = lines[i] !== '';
    }
    this.widget.tooltip_text = [title, ...details].join('\n');
    this.#badge.label = badge;
    this.#badge.visible = badge !== '';
    if (this.#tone !== '') this.#badge.remove_css_class(this.#tone);
    if (tone !== '') this.#badge.add_css_class(tone);
    this.#tone = tone;
  }
}

function detailLabel(): Gtk.Label {
  const label = new Gtk.Label({ xalign: 0, ellipsize: Pango.EllipsizeMode.END });
  for (const name of ['dim-label', 'caption']) label.add_css_class(name);
  return label;
}

/** What stands above a list: a search, and choices. */
export function barOf(...widgets: readonly Gtk.Widget[]): Gtk.Box {
  const bar = new Gtk.Box({ spacing: 6, margin_start: 12, margin_end: 12, margin_top: 6, margin_bottom: 6 });
  for (const widget of widgets) bar.append(widget);
  return bar;
}

/** A flat button with a picture, a tooltip and, for a screen reader, a name. */
export function iconButton(icon: string, name: string, pressed: () => void): Gtk.Button {
  const button = new Gtk.Button({ icon_name: icon, tooltip_text: name, valign: Gtk.Align.CENTER });
  button.add_css_class('flat');
  nameWidget(button, name);
  button.connect('clicked', pressed);
  return button;
}

/** A button of a head bar that does an action of the window, and is grey with it. */
export function actionButton(icon: string, name: string, action: string): Gtk.Button {
  const button = new Gtk.Button({ icon_name: icon, tooltip_text: name, action_name: action });
  nameWidget(button, name);
  return button;
}

export function nameWidget(widget: Gtk.Widget, name: string): void {
  widget.update_property([Gtk.AccessibleProperty.LABEL], [name]);
}

/** A choice out of a few words; `chosen` gets the place of the one that was taken. */
export function choice(name: string, words: readonly string[], chosen: (at: number) => void): Gtk.DropDown {
  const drop = Gtk.DropDown.new_from_strings([...words]);
  nameWidget(drop, name);
  drop.tooltip_text = name;
  drop.connect('notify::selected', () => chosen(drop.selected));
  return drop;
}
