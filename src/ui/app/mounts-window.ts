// SPDX-License-Identifier: MIT

import Adw from 'gi://Adw?version=1';
import GLib from 'gi://GLib?version=2.0';
import Gtk from 'gi://Gtk?version=4.0';
import { fill, shown } from '../model/manager-words.ts';
import { type MountLine, mountsOf } from '../model/mounts.ts';
import { oneAtATime } from '../model/one-at-a-time.ts';
import { iconButton, LineCell, nameWidget } from './manager-cell.ts';
import { ask, ninefold, type Told } from './manager-cli.ts';
import { _ } from './manager-i18n.ts';
import { type Cell, ListOrWords, RowList } from './manager-list.ts';
import { toastOf } from './manager-toast.ts';
import { addMountWindow } from './mounts-add.ts';

/** Mounts come and go by other hands too; whether one still answers is in no file. */
const LOOK_S = 2;

/** The mounts of this machine: those that are saved, and what else is mounted. */
export class MountsWindow {
  readonly window: Adw.ApplicationWindow;
  readonly #toasts = new Adw.ToastOverlay();
  readonly #list: RowList<MountLine>;
  readonly #frame: ListOrWords;
  /** Those for which something is being done: a second press would do it twice. */
  readonly #busy = new Set<string>();
  #rows: readonly MountLine[] = [];

  constructor(app: Adw.Application) {
    this.#list = new RowList<MountLine>(_('Mounts'), () => this.#cell());
    this.#frame = new ListOrWords(
      this.#list.widget,
      _('No mount is saved, and nothing is mounted.\nPress “+” to save one.'),
    );
    this.#frame.show(true);
    this.#toasts.child = this.#frame.widget;
    const add = iconButton('list-add-symbolic', _('Save a mount'), () =>
      addMountWindow(this.window, (args) => this.#do(args)).present(),
    );
    const header = new Adw.HeaderBar();
    header.pack_start(add);
    const content = new Gtk.Box({ orientation: Gtk.Orientation.VERTICAL });
    content.append(header);
    content.append(this.#toasts);
    this.window = new Adw.ApplicationWindow({
      application: app,
      title: _('Mounts of other machines'),
      default_width: 680,
      default_height: 420,
      content,
    });
    const timer = GLib.timeout_add_seconds(GLib.PRIORITY_DEFAULT, LOOK_S, () => {
      void this.#load();
      return GLib.SOURCE_CONTINUE;
    });
    this.window.connect('close-request', () => {
      GLib.source_remove(timer);
      return false;
    });
    void this.#load();
  }

  readonly #load = oneAtATime(async () => {
    const json = await ask(['mounts', 'list', '--json'], (why) => {
      this.#frame.show(true, shown(why));
    });
    if (json === undefined) return;
    this.#rows = mountsOf(json, _);
    this.#draw();
  });

  #draw(): void {
    // New objects each time: what is busy looks otherwise.
    this.#list.show(this.#rows.map((row) => ({ ...row })));
    this.#frame.show(this.#rows.length === 0);
  }

  async #do(args: readonly string[], id?: string): Promise<Told> {
    if (id !== undefined) {
      this.#busy.add(id);
      this.#draw();
    }
    const told = await ninefold({ args });
    if (id !== undefined) this.#busy.delete(id);
    await this.#load();
    return told;
  }

  async #press(args: readonly string[], id: string): Promise<void> {
    const told = await this.#do(args, id);
    if (!told.ok) this.#toasts.add_toast(toastOf(shown(told.why)));
  }

  #cell(): Cell<MountLine> {
    let current: MountLine | undefined;
    let drawing = false;
    const withName = (work: (name: string, row: MountLine) => void) => (): void => {
      if (current?.name !== undefined && !drawing) work(current.name, current);
    };
    const login = new Gtk.Switch({ valign: Gtk.Align.CENTER, tooltip_text: _('Mount at login') });
    login.connect(
      'notify::active',
      withName((name, row) => {
        if (login.active !== row.login)
          void this.#press(['mounts', 'at-login', '--', name, login.active ? 'on' : 'off'], row.id);
      }),
    );
    const open = iconButton(
      'folder-open-symbolic',
      _('Open in the file manager'),
      withName((name, row) => void this.#press(['mounts', 'open', '--', name], row.id)),
    );
    const mount = new Gtk.Button({ valign: Gtk.Align.CENTER });
    mount.connect('clicked', () => {
      if (current === undefined) return;
      const { name, mounted, mountpoint, id } = current;
      if (mounted) void this.#press(['unmount', '--', mountpoint], id);
      else if (name !== undefined) void this.#press(['mounts', 'mount', '--', name], id);
    });
    const remove = iconButton(
      'user-trash-symbolic',
      _('Forget'),
      withName((name, row) => void this.#press(['mounts', 'remove', '--', name], row.id)),
    );
    const loginWords = new Gtk.Label({ label: _('at login') });
    loginWords.add_css_class('caption');
    const line = new LineCell(false, [loginWords, login, open, mount, remove]);
    return {
      widget: line.widget,
      draw: (row) => {
        current = row;
        drawing = true;
        const { title, details, name, mounted, broken } = row;
        const busy = this.#busy.has(row.id);
        const badge = busy ? _('wait …') : broken ? _('lost') : mounted ? _('mounted') : '';
        line.draw({ title, details, badge, tone: broken ? 'error' : mounted ? 'success' : '' });
        // Set to what it is, it would drop a press that it is still moving for (gtk_switch_set_active ends the animation).
        if (login.active !== row.login) login.active = row.login;
        for (const widget of [loginWords, login, remove]) widget.visible = name !== undefined;
        open.visible = name !== undefined && mounted && !broken;
        mount.label = mounted ? _('Unmount') : _('Mount');
        for (const widget of [login, open, mount, remove]) widget.sensitive = !busy;
        nameWidget(login, fill(_('Mount {0} at login'), title));
        nameWidget(open, fill(_('Open {0}'), title));
        nameWidget(mount, fill(mounted ? _('Unmount {0}') : _('Mount {0}'), title));
        nameWidget(remove, fill(_('Forget {0}'), title));
        drawing = false;
      },
    };
  }
}
