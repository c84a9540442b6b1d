// SPDX-License-Identifier: MIT

import Adw from 'gi://Adw?version=1';
import { displayIsThere, NO_DISPLAY } from './display.ts';
import { useOwnIcons } from './icons.ts';
import { useStyle } from './manager-style.ts';
import { MountsWindow } from './mounts-window.ts';

/** `ninefold mounts --window`: one a session; a second start brings it to the front. Returns the exit status. */
export function mountsMain(): number {
  if (!displayIsThere()) return NO_DISPLAY;
  const app = new Adw.Application({ application_id: 'org.ninefold.Mounts' });
  let mounts: MountsWindow | undefined;
  app.connect('startup', () => {
    useStyle();
    useOwnIcons();
  });
  app.connect('activate', () => {
    mounts ??= new MountsWindow(app);
    mounts.window.present();
  });
  return app.run([]);
}
