// SPDX-License-Identifier: MIT

import Gdk from 'gi://Gdk?version=4.0';
import Gtk from 'gi://Gtk?version=4.0';

const CSS = `
.ninefold-badge { padding: 2px 8px; border-radius: 9px; background-color: alpha(currentColor, 0.12); }
`;

/** For the badges; colours are the theme's. */
export function useStyle(): void {
  const display = Gdk.Display.get_default();
  if (display === null) return;
  const provider = new Gtk.CssProvider();
  // The form of GTK 4.8; its types are of 4.10.
  (provider.load_from_data as (data: string) => void)(CSS);
  Gtk.StyleContext.add_provider_for_display(display, provider, Gtk.STYLE_PROVIDER_PRIORITY_APPLICATION);
}
