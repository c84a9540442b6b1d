// SPDX-License-Identifier: MIT

import Gdk from 'gi://Gdk?version=4.0';
import Gio from 'gi://Gio?version=2.0';
import Gtk from 'gi://Gtk?version=4.0';

/** Our icon is found also where nothing was installed: beside this bundle, which is dist/ui/NAME.js. */
export function useOwnIcons(): void {
  const display = Gdk.Display.get_default();
  const folder = Gio.File.new_for_uri(import.meta.url)
    .get_parent()
    ?.resolve_relative_path('../../packaging/icons');
  const path = folder?.get_path();
  if (display === null || path === null || path === undefined) return;
  Gtk.IconTheme.get_for_display(display).add_search_path(path);
  Gtk.Window.set_default_icon_name('ninefold');
}
