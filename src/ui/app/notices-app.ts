// SPDX-License-Identifier: MIT

import Gio from 'gi://Gio?version=2.0';
import GLib from 'gi://GLib?version=2.0';
import { isObject } from '../model/manager-call.ts';
import { SessionWatch, statusWords } from '../model/notices.ts';
import { oneAtATime } from '../model/one-at-a-time.ts';
import { begunOrEnded } from '../model/sessions.ts';
import { ask, beside, ninefold, watchFolder } from './manager-cli.ts';
import { _ } from './manager-i18n.ts';
import { Messages } from './notices-messages.ts';
import { StatusEntry } from './notices-status.ts';

/** Sessions are asked for again so often also when nothing seems to have happened: a folder may have been made anew. */
const LOOK_S = 10;

/** `ninefold notices`: tells when a folder is mounted and let go of, until it is ended. A second one in the same session ends at once. Returns the exit status. */
export function noticesMain(): number {
  const app = new Gio.Application({ application_id: 'org.ninefold.Notices' });
  const kept: unknown[][] = [];
  let status = 0;
  // Of the first in a session alone.
  app.connect('startup', () => {
    const bus = app.get_dbus_connection();
    app.hold();
    if (bus === null) {
      printerr('ninefold notices: there is no session bus; start it from the desktop');
      status = NO_BUS;
      return app.quit();
    }
    kept.push(begin(bus));
  });
  // Being started again is no reason to do anything.
  app.connect('activate', () => {});
  const ran = app.run([]);
  kept.length = 0;
  return status || ran;
}

/** EX_UNAVAILABLE. */
const NO_BUS = 69;

/** What must not be collected while the program runs. */
function begin(bus: Gio.DBusConnection): unknown[] {
  const open = (): void => void ninefold({ args: ['manager', 'sessions'] });
  const messages = new Messages(bus, _('Open the manager'), open);
  const entry = new StatusEntry(bus, beside('..', 'packaging', 'icons'), open);
  const watch = new SessionWatch();
  const kept: unknown[] = [messages, entry, watch];
  const look = oneAtATime(async () => {
    const json = await ask(['sessions', '--json'], (why) => printerr(`ninefold notices: ${why}`));
    if (json === undefined) return;
    for (const notice of watch.look(json, _)) await messages.send(notice);
    entry.words = watch.count === 0 ? '' : statusWords(watch.count, _);
  });
  void look();
  GLib.timeout_add_seconds(GLib.PRIORITY_DEFAULT, LOOK_S, () => {
    void look();
    return GLib.SOURCE_CONTINUE;
  });
  void ask(['policy', 'paths', '--json'], (why) => printerr(`ninefold notices: ${why}`)).then((paths) => {
    if (isObject(paths) && typeof paths.sessions === 'string') {
      kept.push(
        watchFolder(paths.sessions, (names) => {
          if (begunOrEnded(names)) void look();
        }),
      );
      // What began between the first look and the watch.
      void look();
    }
    printerr('ninefold notices: watching');
  });
  return kept;
}
