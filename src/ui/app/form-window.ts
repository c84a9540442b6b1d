// SPDX-License-Identifier: MIT

import Adw from 'gi://Adw?version=1';
import Gtk from 'gi://Gtk?version=4.0';
import { _ } from './manager-i18n.ts';

/** A window over `parent` in which something is filled in: rows in one group, words below them, "Cancel" and the button `done`, which Enter presses. */
export interface FormWindow {
  readonly window: Adw.Window;
  readonly done: Gtk.Button;
  /** What is wrong; nothing where that is empty. */
  wrong(words: string): void;
}

/** `first` gets the focus when the window comes: not the first button, a person has come to type. `below`: what stands under the rows and the words. */
export function formWindow(
  parent: Gtk.Window,
  look: { readonly title: string; readonly done: string; readonly width: number },
  rows: readonly Gtk.Widget[],
  first: Gtk.Widget,
  below: readonly Gtk.Widget[] = [],
): FormWindow {
  const window = new Adw.Window({
    transient_for: parent,
    modal: true,
    title: look.title,
    default_width: look.width,
  });
  const group = new Adw.PreferencesGroup();
  for (const row of rows) group.add(row);
  const wrong = new Gtk.Label({ wrap: true, xalign: 0, margin_top: 12, visible: false });
  wrong.add_css_class('error');
  const content = new Gtk.Box({
    orientation: Gtk.Orientation.VERTICAL,
    margin_start: 18,
    margin_end: 18,
    margin_top: 12,
    margin_bottom: 18,
  });
  for (const widget of [group, wrong, ...below]) content.append(widget);

  const cancel = new Gtk.Button({ label: _('Cancel') });
  const done = new Gtk.Button({ label: look.done });
  done.add_css_class('suggested-action');
  const header = new Adw.HeaderBar({ show_end_title_buttons: false, show_start_title_buttons: false });
  header.pack_start(cancel);
  header.pack_end(done);
  const whole = new Gtk.Box({ orientation: Gtk.Orientation.VERTICAL });
  whole.append(header);
  whole.append(content);
  window.set_content(whole);
  window.set_default_widget(done);

  window.connect('map', () => first.grab_focus());
  cancel.connect('clicked', () => window.close());
  const keys = new Gtk.ShortcutController();
  keys.add_shortcut(
    new Gtk.Shortcut({
      trigger: Gtk.ShortcutTrigger.parse_string('Escape'),
      action: Gtk.ShortcutAction.parse_string('action(window.close)'),
    }),
  );
  window.add_controller(keys);
  return {
    window,
    done,
    wrong(words) {
      wrong.label = words;
      wrong.visible = words !== '';
    },
  };
}
