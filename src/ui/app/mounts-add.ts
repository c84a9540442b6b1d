// SPDX-License-Identifier: MIT

import Adw from 'gi://Adw?version=1';
import GLib from 'gi://GLib?version=2.0';
import Gtk from 'gi://Gtk?version=4.0';
import { shown } from '../model/manager-words.ts';
import { formWindow } from './form-window.ts';
import type { Told } from './manager-cli.ts';
import { _ } from './manager-i18n.ts';

/** The window in which a mount is saved. `save` tells how it went: what the command would not take is said here, and the window stays. */
export function addMountWindow(
  parent: Gtk.Window,
  save: (args: readonly string[]) => Promise<Told>,
): Adw.Window {
  const source = new Adw.EntryRow({ title: _('Folder, as MACHINE:/FOLDER'), activates_default: true });
  const place = new Adw.EntryRow({
    title: _('Mount point'),
    text: `${GLib.get_home_dir() ?? ''}/`,
    activates_default: true,
  });
  const readOnly = switchRow(_('Read only'), true);
  const login = switchRow(_('Mount at login'), false);
  const form = formWindow(
    parent,
    { title: _('Save a mount'), done: _('Save'), width: 480 },
    [source, place, readOnly.row, login.row],
    source,
  );

  const check = (): void => {
    form.done.sensitive = (source.text ?? '') !== '' && (place.text ?? '').startsWith('/');
    form.wrong('');
  };
  source.connect('changed', check);
  place.connect('changed', check);
  check();
  form.done.connect('clicked', () => {
    const flags = [...(readOnly.on() ? ['--read-only'] : []), ...(login.on() ? ['--at-login'] : [])];
    // What begins with "-" is no option.
    const args = ['mounts', 'add', '--json', ...flags, '--', source.text ?? '', place.text ?? ''];
    void save(args).then((told) => {
      if (told.ok) form.window.close();
      else form.wrong(shown(told.why));
    });
  });
  return form.window;
}

function switchRow(title: string, active: boolean): { row: Adw.ActionRow; on(): boolean } {
  const button = new Gtk.Switch({ active, valign: Gtk.Align.CENTER });
  const row = new Adw.ActionRow({ title, activatable_widget: button });
  row.add_suffix(button);
  return { row, on: () => button.active };
}
