// SPDX-License-Identifier: MIT

import Gio from 'gi://Gio?version=2.0';
import GLib from 'gi://GLib?version=2.0';

const WATCHER = 'org.kde.StatusNotifierWatcher';
const PATH = '/StatusNotifierItem';

/** https://www.freedesktop.org/wiki/Specifications/StatusNotifierItem: what panels ask of an entry. */
const INTERFACE = `<node><interface name="org.kde.StatusNotifierItem">
<property name="Category" type="s" access="read"/><property name="Id" type="s" access="read"/>
<property name="Title" type="s" access="read"/><property name="Status" type="s" access="read"/>
<property name="IconName" type="s" access="read"/><property name="IconThemePath" type="s" access="read"/>
<property name="ToolTip" type="(sa(iiay)ss)" access="read"/><property name="ItemIsMenu" type="b" access="read"/>
<method name="Activate"><arg type="i" direction="in"/><arg type="i" direction="in"/></method>
<method name="SecondaryActivate"><arg type="i" direction="in"/><arg type="i" direction="in"/></method>
<method name="ContextMenu"><arg type="i" direction="in"/><arg type="i" direction="in"/></method>
<signal name="NewTitle"/><signal name="NewToolTip"/>
<signal name="NewStatus"><arg type="s"/></signal>
</interface></node>`;

/**
 * The entry in the panel while something is shared: there as long as it has words, where the desktop has a place for such (StatusNotifierItem), else nowhere. It is shown again when that place comes back.
 */
export class StatusEntry {
  readonly #bus: Gio.DBusConnection;
  readonly #open: () => void;
  readonly #icons: string;
  #words = '';
  #watcher = false;
  #object: Gio.DBusExportedObject | undefined;
  #name = 0;

  /** `open`: the entry was pressed. `icons`: a folder in which ours is, where it is not installed. */
  constructor(bus: Gio.DBusConnection, icons: string, open: () => void) {
    this.#bus = bus;
    this.#open = open;
    this.#icons = icons;
    Gio.bus_watch_name_on_connection(
      bus,
      WATCHER,
      Gio.BusNameWatcherFlags.NONE,
      () => {
        this.#watcher = true;
        this.#follow();
      },
      () => {
        this.#watcher = false;
        this.#hide();
      },
    );
  }

  /** Plain words; empty: nothing is shared, and there is no entry. */
  set words(words: string) {
    if (words === this.#words) return;
    this.#words = words;
    this.#follow();
    this.#object?.emit_signal('NewTitle', GLib.Variant.new_tuple([]));
    this.#object?.emit_signal('NewToolTip', GLib.Variant.new_tuple([]));
  }

  #follow(): void {
    if (this.#words === '') this.#hide();
    else if (this.#watcher && this.#object === undefined) this.#show();
  }

  #show(): void {
    const entry = this;
    const properties = {
      Category: 'ApplicationStatus',
      Id: 'org.ninefold.Notices',
      Status: 'Active',
      IconName: 'ninefold',
      IconThemePath: this.#icons,
      ItemIsMenu: false,
      get Title(): string {
        return entry.#words;
      },
      get ToolTip(): GLib.Variant {
        return new GLib.Variant('(sa(iiay)ss)', [
          'ninefold',
          [],
          GLib.markup_escape_text(entry.#words, -1),
          '',
        ]);
      },
      Activate: () => this.#open(),
      SecondaryActivate: () => this.#open(),
      ContextMenu: () => this.#open(),
    };
    this.#object = Gio.DBusExportedObject.wrapJSObject(INTERFACE, properties);
    this.#object.export(this.#bus, PATH);
    const name = `org.kde.StatusNotifierItem-${new Gio.Credentials().get_unix_pid()}-1`;
    this.#name = Gio.bus_own_name_on_connection(
      this.#bus,
      name,
      Gio.BusNameOwnerFlags.NONE,
      () =>
        this.#bus.call(
          WATCHER,
          '/StatusNotifierWatcher',
          WATCHER,
          'RegisterStatusNotifierItem',
          new GLib.Variant('(s)', [name]),
          null,
          Gio.DBusCallFlags.NONE,
          -1,
          null,
          null,
        ),
      null,
    );
  }

  /** An entry goes with its name. */
  #hide(): void {
    if (this.#object === undefined) return;
    Gio.bus_unown_name(this.#name);
    this.#object.unexport();
    this.#object = undefined;
  }
}
