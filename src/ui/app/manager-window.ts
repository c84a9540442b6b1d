// SPDX-License-Identifier: MIT

import Adw from 'gi://Adw?version=1';
import Gio from 'gi://Gio?version=2.0';
import GLib from 'gi://GLib?version=2.0';
import Gtk from 'gi://Gtk?version=4.0';
import { PAGE_LINES } from '../model/history-log.ts';
import { type Call, isObject, revokeCall, UndoList } from '../model/manager-call.ts';
import { accessWords, type RuleRow } from '../model/manager-rules.ts';
import { fill, shown } from '../model/manager-words.ts';
import { oneAtATime } from '../model/one-at-a-time.ts';
import { begunOrEnded, type SessionRow } from '../model/sessions.ts';
import { HistoryPage } from './history-page.ts';
import { actionButton } from './manager-cell.ts';
import { ask, ninefold, watchFolder } from './manager-cli.ts';
import { editWindow, type Machine } from './manager-edit.ts';
import { _ } from './manager-i18n.ts';
import { RulesPage } from './manager-rules-page.ts';
import { toastOf } from './manager-toast.ts';
import { SessionsPage } from './sessions-page.ts';

/** Sessions are asked for again so often while they are shown: what goes through them changes all the time. */
const SESSIONS_S = 2;

export const PAGES = ['rules', 'sessions', 'history'] as const;
export type PageName = (typeof PAGES)[number];

/** The folder share manager. What it shows is what the command says; what is changed is changed by it at once. */
export class ManagerWindow {
  readonly window: Adw.ApplicationWindow;
  readonly #toasts = new Adw.ToastOverlay();
  readonly #stack = new Adw.ViewStack({ vexpand: true });
  readonly #rules: RulesPage;
  readonly #sessions: SessionsPage;
  readonly #history = new HistoryPage((before) => this.#fetchLog(before));
  readonly #sessionsPage: Adw.ViewStackPage;
  readonly #undo = new UndoList();
  readonly #undoAction = new Gio.SimpleAction({ name: 'undo', enabled: false });
  readonly #monitors: Gio.FileMonitor[] = [];
  readonly #machines: Promise<readonly Machine[]>;
  #told = '';
  /** Calls go out one after the other: an undo must not overtake what it undoes. */
  #queue: Promise<void> = Promise.resolve();

  constructor(app: Adw.Application) {
    this.#rules = new RulesPage({ edit: (row) => this.#edit(row), revoke: (row) => this.#revoke(row) });
    this.#sessions = new SessionsPage((row) => this.#end(row));
    const { rules, sessions, history } = {
      rules: this.#stack.add_titled(this.#rules.widget, 'rules', _('Rules')),
      sessions: this.#stack.add_titled(this.#sessions.widget, 'sessions', _('Mounted now')),
      history: this.#stack.add_titled(this.#history.widget, 'history', _('History')),
    };
    rules.icon_name = 'changes-prevent-symbolic';
    sessions.icon_name = 'folder-remote-symbolic';
    history.icon_name = 'document-open-recent-symbolic';
    this.#sessionsPage = sessions;
    this.#toasts.child = this.#stack;

    const header = new Adw.HeaderBar({
      title_widget: new Adw.ViewSwitcher({ stack: this.#stack, policy: Adw.ViewSwitcherPolicy.WIDE }),
    });
    const add = actionButton('list-add-symbolic', _('New rule'), 'win.add');
    const undo = actionButton('edit-undo-symbolic', _('Undo'), 'win.undo');
    header.pack_start(add);
    header.pack_start(undo);
    const content = new Gtk.Box({ orientation: Gtk.Orientation.VERTICAL });
    content.append(header);
    content.append(this.#toasts);
    this.window = new Adw.ApplicationWindow({
      application: app,
      title: _('Folder share manager'),
      default_width: 860,
      default_height: 620,
      content,
    });
    this.#actions(app);
    this.#stack.connect('notify::visible-child', () => void this.#loadSessions());
    const timer = GLib.timeout_add_seconds(GLib.PRIORITY_DEFAULT, SESSIONS_S, () => {
      if (this.#stack.visible_child_name === 'sessions') void this.#loadSessions();
      return GLib.SOURCE_CONTINUE;
    });
    this.window.connect('close-request', () => {
      GLib.source_remove(timer);
      for (const monitor of this.#monitors) monitor.cancel();
      return false;
    });
    this.#machines = ask(['policy', 'machines', '--json'], (why) => this.#tell(why)).then(machinesOf);
    void this.#begin();
  }

  show(page: PageName): void {
    this.#stack.visible_child_name = page;
    this.window.present();
  }

  #actions(app: Adw.Application): void {
    const add = (name: string, keys: readonly string[], activate: () => void): void => {
      const action = new Gio.SimpleAction({ name });
      action.connect('activate', activate);
      this.window.add_action(action);
      app.set_accels_for_action(`win.${name}`, [...keys]);
    };
    add('add', ['<Control>n'], () => this.#edit(undefined));
    add('search', ['<Control>f'], () => {
      if (this.#stack.visible_child_name === 'history') this.#history.search.grab_focus();
      else {
        this.#stack.visible_child_name = 'rules';
        this.#rules.search.grab_focus();
      }
    });
    add('revoke', ['<Control>Delete'], () => {
      const row = this.#rules.selected;
      if (row !== undefined && this.#stack.visible_child_name === 'rules') this.#revoke(row);
    });
    add('close', ['<Control>w'], () => this.window.close());
    this.#undoAction.connect('activate', () => this.#undoLast());
    this.window.add_action(this.#undoAction);
    app.set_accels_for_action('win.undo', ['<Control>z']);
  }

  async #begin(): Promise<void> {
    const load = (): Promise<unknown> =>
      Promise.all([this.#loadRules(), this.#loadSessions(), this.#history.load()]);
    void load();
    const paths = await ask(['policy', 'paths', '--json'], (why) => this.#tell(why));
    if (!isObject(paths) || typeof paths.dir !== 'string' || typeof paths.sessions !== 'string') return;
    this.#monitors.push(
      watchFolder(paths.dir, (names) => {
        if (names.has('policy.json')) void this.#loadRules();
        if (names.has('audit.jsonl')) {
          // A use of a rule stands in the log.
          if (!names.has('policy.json')) void this.#loadRules();
          void this.#history.load();
        }
      }),
      watchFolder(paths.sessions, (names) => {
        if (begunOrEnded(names)) void this.#loadSessions();
      }),
    );
    // What changed between the first look and the beginning of the watch was told to nobody.
    void load();
  }

  readonly #loadRules = oneAtATime(async () => {
    const json = await ask(['policy', 'list', '--uses', '--json'], (why) => this.#tell(why));
    if (json === undefined) return;
    const odd = await this.#rules.update(json);
    if (odd !== undefined) this.#tell(odd);
  });

  readonly #loadSessions = oneAtATime(async () => {
    const json = await ask(['sessions', '--json'], (why) => this.#tell(why));
    if (json !== undefined) this.#sessionsPage.badge_number = this.#sessions.update(json);
  });

  async #fetchLog(before: string | undefined): Promise<string | undefined> {
    const place = before === undefined ? [] : ['--before', before];
    const args = ['policy', 'log', '--page', '--lines', String(PAGE_LINES), ...place];
    const told = await ninefold({ args });
    if (told.ok) return told.out;
    this.#tell(told.why);
    return undefined;
  }

  #edit(row: RuleRow | undefined): void {
    const what = row === undefined ? _('Rule added') : _('Rule changed');
    void this.#machines.then((machines) =>
      editWindow(this.window, machines, row, (call) => this.#change(what, call)).present(),
    );
  }

  #revoke(row: RuleRow): void {
    const { rule, title } = row;
    const words = fill(_('Taken away: {0}, {1}'), title, accessWords(rule, _));
    this.#change(words, revokeCall(rule.id));
  }

  #end(row: SessionRow): void {
    this.#change(fill(_('Ended: {0}'), row.title), revokeCall(row.id));
  }

  /** Does it, says so, and offers to undo it. */
  #change(what: string, call: Call): void {
    this.#queue = this.#queue.then(async () => {
      const told = await ninefold(call);
      if (!told.ok) return this.#tell(told.why);
      const undoable = this.#undo.add(what, jsonOf(told.out));
      this.#undoAction.enabled = this.#undo.next !== undefined;
      this.#toasts.add_toast(toastOf(what, undoable ? { label: _('Undo'), action: 'win.undo' } : undefined));
      await Promise.all([this.#loadRules(), this.#loadSessions()]);
    });
  }

  #undoLast(): void {
    const what = this.#undo.next;
    if (what === undefined) return;
    const calls = this.#undo.take();
    this.#undoAction.enabled = this.#undo.next !== undefined;
    this.#queue = this.#queue.then(async () => {
      for (const call of calls) {
        const told = await ninefold(call);
        if (!told.ok) return this.#tell(told.why);
      }
      this.#toasts.add_toast(toastOf(fill(_('Undone: {0}'), what)));
      await this.#loadRules();
    });
  }

  /** What went wrong, once: a list that is damaged would say so at every look. */
  #tell(why: string): void {
    if (why === this.#told) return;
    this.#told = why;
    GLib.timeout_add_seconds(GLib.PRIORITY_DEFAULT, 10, () => {
      this.#told = '';
      return GLib.SOURCE_REMOVE;
    });
    this.#toasts.add_toast(toastOf(shown(why)));
  }
}

const machinesOf = (json: unknown): Machine[] =>
  (Array.isArray(json) ? json : []).flatMap((m) =>
    isObject(m) && typeof m.name === 'string'
      ? [{ name: shown(m.name), disposable: m.disposable === true }]
      : [],
  );

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
