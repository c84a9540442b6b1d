// SPDX-License-Identifier: MIT
// The parts of the dialog. Everything is set as text, never as markup.

import Gtk from 'gi://Gtk?version=4.0';
import Pango from 'gi://Pango?version=1.0';
import { hasRightToLeft, isolated, type Piece } from '../../model/ask/path.ts';
import type { Option } from '../../model/ask/view.ts';

/** LEFT-TO-RIGHT MARK: whatever comes first in a path, it is laid out from the left. */
const LEFT_TO_RIGHT = '\u200e';

export function label(text: string, ...classes: string[]): Gtk.Label {
  const made = new Gtk.Label({ label: text, use_markup: false, use_underline: false, xalign: 0, wrap: true });
  // A name without a blank is broken too rather than that the window grows.
  made.set_wrap_mode(Pango.WrapMode.WORD_CHAR);
  for (const name of classes) made.add_css_class(name);
  return made;
}

/** "Who asks: work", the second in large letters. */
export function fact(name: string, value: string): Gtk.Widget {
  const box = new Gtk.Box({ orientation: Gtk.Orientation.VERTICAL, hexpand: true });
  const shown = label(value, 'title-2');
  shown.update_property([Gtk.AccessibleProperty.LABEL], [`${name}: ${value}`]);
  box.append(label(name, 'dim-label', 'caption-heading'));
  box.append(shown);
  return box;
}

/** The whole path, wrapped anywhere, in a face in which every character has its width; what changed is bold and underlined. */
export function path(name: string, pieces: readonly Piece[]): Gtk.Widget {
  let text = pieces.some((p) => hasRightToLeft(p.text)) ? LEFT_TO_RIGHT : '';
  // Pango would put a hyphen where it breaks a word: a character that is not in the path.
  const marks: string[] = ['0 4294967295 insert-hyphens false'];
  const bytes = new TextEncoder();
  for (const piece of pieces) {
    const from = bytes.encode(text).length;
    text += isolated(piece.text);
    if (!piece.changed) continue;
    const range = `${from} ${bytes.encode(text).length}`;
    marks.push(`${range} weight bold`, `${range} underline single`);
  }
  const made = label(text, 'monospace');
  made.set_wrap_mode(Pango.WrapMode.CHAR);
  made.set_selectable(true);
  made.set_attributes(Pango.AttrList.from_string(marks.join('\n')));
  made.update_property([Gtk.AccessibleProperty.LABEL], [`${name}: ${pieces.map((p) => p.text).join('')}`]);
  const card = new Gtk.Box();
  card.add_css_class('card');
  made.set_hexpand(true);
  made.set_margin_top(8);
  made.set_margin_bottom(8);
  made.set_margin_start(10);
  made.set_margin_end(10);
  card.append(made);
  return card;
}

/** A sentence to mind. */
export function note(text: string): Gtk.Widget {
  const box = new Gtk.Box({ spacing: 8 });
  const image = new Gtk.Image({ icon_name: 'dialog-warning-symbolic', valign: Gtk.Align.START });
  image.add_css_class('warning');
  box.append(image);
  const words = label(text);
  words.set_hexpand(true);
  box.append(words);
  return box;
}

/** One of several: radio buttons under a name, with the reason why some cannot be chosen. */
export function choice<T>(
  name: string,
  options: readonly Option<T>[],
  chosen: T,
  reason: string | undefined,
  choose: (value: T) => void,
): Gtk.Widget {
  const box = new Gtk.Box({
    orientation: Gtk.Orientation.VERTICAL,
    spacing: 2,
    hexpand: true,
    accessible_role: Gtk.AccessibleRole.RADIO_GROUP,
  });
  box.update_property([Gtk.AccessibleProperty.LABEL], [name]);
  box.append(label(name, 'heading'));
  let first: Gtk.CheckButton | undefined;
  for (const option of options) {
    const button = new Gtk.CheckButton({
      accessible_role: Gtk.AccessibleRole.RADIO,
      active: option.value === chosen,
      sensitive: option.enabled,
      group: first ?? null,
      child: label(option.label),
    });
    const why = option.enabled || reason === undefined ? '' : reason;
    button.update_property([Gtk.AccessibleProperty.LABEL], [option.label]);
    button.update_property([Gtk.AccessibleProperty.DESCRIPTION], [why === '' ? name : `${name}. ${why}`]);
    button.connect('toggled', () => {
      if (button.get_active()) choose(option.value);
    });
    first ??= button;
    box.append(button);
  }
  if (reason !== undefined) box.append(label(reason, 'caption'));
  return box;
}
