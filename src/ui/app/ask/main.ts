// SPDX-License-Identifier: MIT

import Adw from 'gi://Adw?version=1';
import Gio from 'gi://Gio?version=2.0';
import Gtk from 'gi://Gtk?version=4.0';

/** Shows the question; returns the exit status once the window is closed. */
export function main(): number {
  const app = new Adw.Application({ flags: Gio.ApplicationFlags.NON_UNIQUE });
  app.connect('activate', () => {
    const window = new Adw.ApplicationWindow({ application: app, title: 'Folder access' });
    const box = new Gtk.Box({ orientation: Gtk.Orientation.VERTICAL });
    box.append(new Adw.HeaderBar());
    const deny = new Gtk.Button({ label: 'Deny' });
    deny.connect('clicked', () => {
      print('{"version":1,"answer":"deny"}');
      window.close();
    });
    box.append(deny);
    window.set_content(box);
    window.present();
  });
  return app.run([]);
}
