// SPDX-License-Identifier: MIT

import GLib from 'gi://GLib?version=2.0';
import Gtk from 'gi://Gtk?version=4.0';

/** EX_UNAVAILABLE. */
export const NO_DISPLAY = 69;

/** Whether a window can be shown; else says in one line why not, under the name that bin/window.sh gives. GTK itself would end the process. */
export function displayIsThere(): boolean {
  if (Gtk.init_check()) return true;
  const named = GLib.getenv('WAYLAND_DISPLAY') || GLib.getenv('DISPLAY') || '';
  const why =
    named === ''
      ? 'no desktop: DISPLAY and WAYLAND_DISPLAY are not set'
      : `the display ${JSON.stringify(named)} does not answer`;
  printerr(`${GLib.getenv('NINEFOLD_WINDOW') ?? 'ninefold'}: ${why}; start it from the desktop`);
  return false;
}
