// SPDX-License-Identifier: MIT

import Adw from 'gi://Adw?version=1';
import Gio from 'gi://Gio?version=2.0';
import { displayIsThere, NO_DISPLAY } from './display.ts';
import { useOwnIcons } from './icons.ts';
import { _ } from './manager-i18n.ts';
import { useStyle } from './manager-style.ts';
import { ManagerWindow, PAGES, type PageName } from './manager-window.ts';

/** `ninefold manager [PAGE]`: one window a session; a second start brings it to the front, at the page. Returns the exit status. */
export function managerMain(args: readonly string[]): number {
  if (!displayIsThere()) return NO_DISPLAY;
  let page: PageName | undefined = PAGES.find((name) => name === args[0]);
  const app = new Adw.Application({
    application_id: 'org.ninefold.Manager',
    flags: Gio.ApplicationFlags.HANDLES_COMMAND_LINE,
  });
  let manager: ManagerWindow | undefined;
  app.connect('startup', () => {
    useStyle();
    useOwnIcons();
  });
  const present = (): void => {
    if (manager === undefined) {
      manager = new ManagerWindow(app);
      manager.window.connect('close-request', () => {
        manager = undefined;
        return false;
      });
    }
    manager.show(page ?? 'rules');
  };
  app.connect('activate', present);
  app.connect('command-line', (_app, line: Gio.ApplicationCommandLine) => {
    const [, wanted] = line.get_arguments();
    page = PAGES.find((name) => name === wanted);
    present();
    return 0;
  });
  return app.run([_('Folder share manager'), ...args]);
}
