// SPDX-License-Identifier: MIT
// The far end of two protocols, as a desktop has it: org.freedesktop.Notifications, and with the argument "panel" org.kde.StatusNotifierWatcher. One JSON line on standard output for each thing that comes:
//   {"notify":{"number","replaces","summary","body","actions"}}, {"entry":{"service","title","icon"}}, {"gone":SERVICE}
// On standard input: {"invoke":NUMBER}: the person presses that notification; {"activate":SERVICE}: that entry of the panel.

import Gio from 'gi://Gio?version=2.0';
import GLib from 'gi://GLib?version=2.0';
import System from 'system';

const NOTIFICATIONS = `<node><interface name="org.freedesktop.Notifications">
<method name="GetCapabilities"><arg type="as" direction="out"/></method>
<method name="Notify"><arg type="s" direction="in"/><arg type="u" direction="in"/><arg type="s" direction="in"/><arg type="s" direction="in"/><arg type="s" direction="in"/><arg type="as" direction="in"/><arg type="a{sv}" direction="in"/><arg type="i" direction="in"/><arg type="u" direction="out"/></method>
<signal name="ActionInvoked"><arg type="u"/><arg type="s"/></signal>
</interface></node>`;
const WATCHER = `<node><interface name="org.kde.StatusNotifierWatcher">
<method name="RegisterStatusNotifierItem"><arg type="s" direction="in"/></method>
</interface></node>`;
const ITEM = 'org.kde.StatusNotifierItem';

const tell = (what: object): void => print(JSON.stringify(what));
const bus = Gio.bus_get_sync(Gio.BusType.SESSION, null);
const kept: unknown[] = [];
let numbers = 0;

const notifications = Gio.DBusExportedObject.wrapJSObject(NOTIFICATIONS, {
  GetCapabilities: () => ['body', 'body-markup', 'actions'],
  Notify(_app: string, replaces: number, _icon: string, summary: string, body: string, actions: string[]) {
    const number = replaces === 0 ? ++numbers : replaces;
    tell({ notify: { number, replaces, summary, body, actions } });
    return number;
  },
});
notifications.export(bus, '/org/freedesktop/Notifications');
Gio.bus_own_name_on_connection(bus, 'org.freedesktop.Notifications', Gio.BusNameOwnerFlags.NONE, null, null);
kept.push(notifications);

function ask(service: string, member: string, values: GLib.Variant, done: (reply: unknown[]) => void): void {
  const [name, method] = member.split('#');
  const { NONE } = Gio.DBusCallFlags;
  bus.call(
    service,
    '/StatusNotifierItem',
    name ?? '',
    method ?? '',
    values,
    null,
    NONE,
    -1,
    null,
    (_b, result) => {
      done(bus.call_finish(result).recursiveUnpack() as unknown[]);
    },
  );
}

if (System.programArgs.includes('panel')) {
  const watcher = Gio.DBusExportedObject.wrapJSObject(WATCHER, {
    RegisterStatusNotifierItem(service: string) {
      ask(service, 'org.freedesktop.DBus.Properties#GetAll', new GLib.Variant('(s)', [ITEM]), ([all]) => {
        const { Title, IconName } = all as Record<string, string>;
        tell({ entry: { service, title: Title, icon: IconName } });
      });
      Gio.bus_watch_name_on_connection(bus, service, Gio.BusNameWatcherFlags.NONE, null, () =>
        tell({ gone: service }),
      );
    },
  });
  watcher.export(bus, '/StatusNotifierWatcher');
  Gio.bus_own_name_on_connection(
    bus,
    'org.kde.StatusNotifierWatcher',
    Gio.BusNameOwnerFlags.NONE,
    null,
    null,
  );
  kept.push(watcher);
}

const loop = new GLib.MainLoop(null, false);
const input = new Gio.DataInputStream({ base_stream: Gio.UnixInputStream.new(0, false) });
function next(): void {
  input.read_line_async(GLib.PRIORITY_DEFAULT, null, (_input, result) => {
    const [line] = input.read_line_finish_utf8(result);
    if (line === null) return loop.quit();
    const order = JSON.parse(line) as { invoke?: number; activate?: string };
    if (order.invoke !== undefined)
      notifications.emit_signal('ActionInvoked', new GLib.Variant('(us)', [order.invoke, 'open']));
    if (order.activate !== undefined)
      ask(order.activate, `${ITEM}#Activate`, new GLib.Variant('(ii)', [0, 0]), () => {});
    next();
  });
}
next();
tell({ ready: true });
loop.run();
System.exit(kept.length > 0 ? 0 : 1);
