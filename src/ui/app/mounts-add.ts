// SPDX-License-Identifier: MIT

import Adw from 'gi://Adw?version=1';
import GLib from 'gi://GLib?version=2.0';
import Gtk from 'gi://Gtk?version=4.0';
import { shown } from '../model/manager-words.ts';
import type { Told } from './manager-cli.ts';
import { _ } from './manager-i18n.ts';

/** The window in which a mount is saved. `save` tells how it went: what the command would not take is said here, and the window stays. */
export function addMountWindow(
  parent: Gtk.Window,
  save: (args: readonly string[]) => Promise<Told>,
): Adw.Window {
  const window = new Adw.Window({
    transient_for: parent,
    modal: true,
    title: _('Save a mount'),
    default_width: 480,
  });
  const source = new Adw.EntryRow({ title: _('Folder, as MACHINE:/FOLDER'), activates_default: true });
  const place = new Adw.EntryRow({
    title: _('Mount point'),
    text: `${GLib.get_home_dir() ?? ''}/`,
    activates_default: true,
  });
  const readOnly = switchRow(_('Read only'), true);
  const login = switchRow(_('Mount at login'), false);
  const group = new Adw.PreferencesGroup();
  for (const row of [source, place, readOnly.row, login.row]) group.add(row);
  const wrong = new Gtk.Label({ wrap: true, xalign: 0, margin_top: 12, visible: false });
  wrong.add_css_class('error');
  const content = new Gtk.Box({
    orientation: Gtk.Orientation.VERTICAL,
    margin_start: 18,
    margin_end: 18,
    margin_top: 12,
    margin_bottom: 18,
  });
  content.append(group);
  content.append(wrong);

  const cancel = new Gtk.Button({ label: _('Cancel') });
  const done = new Gtk.Button({ label: _('Save'), sensitive: false });
  done.add_css_class('suggested-action');
  const header = new Adw.HeaderBar({ show_end_title_buttons: false, show_start_title_buttons: false });
  header.pack_start(cancel);
  header.pack_end(done);
  const whole = new Gtk.Box({ orientation: Gtk.Orientation.VERTICAL });
  whole.append(header);
  whole.append(content);
  window.set_content(whole);
  window.set_default_widget(done);

  const check = (): void => {
    done.sensitive = (source.text ?? '') !== '' && (place.text ?? '').startsWith('/');
    wrong.visible = false;
  };
  source.connect('changed', check);
  place.connect('changed', check);
  // Not the first button: a person has come to type.
  window.connect('map', () => source.grab_focus());
  cancel.connect('clicked', () => window.close());
  done.connect('clicked', () => {
    const flags = [...(readOnly.on() ? ['--read-only'] : []), ...(login.on() ? ['--at-login'] : [])];
    // What begins with "-" is no option.
    const args = ['mounts', 'add', '--json', ...flags, '--', source.text ?? '', place.text ?? ''];
    void save(args).then((told) => {
      if (told.ok) return window.close();
      wrong.label = shown(told.why);
      wrong.visible = true;
    });
  });
  return window;
}

function switchRow(title: string, active: boolean): { row: Adw.ActionRow; on(): boolean } {
  const button = new Gtk.Switch({ active, valign: Gtk.Align.CENTER });
  const row = new Adw.ActionRow({ title, activatable_widget: button });
  row.add_suffix(button);
  return { row, on: () => button.active };
}
