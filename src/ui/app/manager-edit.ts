// SPDX-License-Identifier: MIT

import Adw from 'gi://Adw?version=1';
import Gtk from 'gi://Gtk?version=4.0';
import type { Call } from '../model/manager-call.ts';
import {
  addCall,
  EMPTY_FORM,
  editCall,
  formOf,
  KINDS,
  type Kind,
  type RuleForm,
  SPANS,
  type Span,
  wrongOf,
} from '../model/manager-form.ts';
import type { RuleRow } from '../model/manager-rules.ts';
import { moment, shown } from '../model/manager-words.ts';
import { formWindow } from './form-window.ts';
import { nameWidget } from './manager-cell.ts';
import { _ } from './manager-i18n.ts';

/** A machine that rules can name. */
export interface Machine {
  readonly name: string;
  readonly disposable: boolean;
}

/**
 * The window in which a rule is made, or `before` is changed. `save` gets the call when the person is content; whatever is wrong is told while it is typed, and keeps the button from being pressed.
 */
export function editWindow(
  parent: Gtk.Window,
  machines: readonly Machine[],
  before: RuleRow | undefined,
  save: (call: Call) => void,
): Adw.Window {
  const form: RuleForm = before === undefined ? EMPTY_FORM : formOf(before.rule);
  const disposable = new Set(machines.filter((m) => m.disposable).map((m) => m.name));

  const source = nameRow(_('Who mounts'), form.source, machines);
  const target = nameRow(_('Whose folder'), form.target, machines);
  const folder = entryRow(_('Folder'), form.folder);
  const kinds: Readonly<Record<Kind, string>> = {
    ro: _('Allow: read only'),
    rw: _('Allow: read and write'),
    deny: _('Deny this folder and all below it'),
    block: _('Block everything between the two'),
  };
  const kind = comboRow(
    _('What'),
    KINDS.map((k) => kinds[k]),
    KINDS.indexOf(form.kind),
  );
  const until = before?.rule.until;
  const spanWords: Readonly<Record<Span, string>> = {
    always: _('Always'),
    hour: _('For an hour from now'),
    day: _('For a day from now'),
    week: _('For a week from now'),
    same: `${_('As it is: until')} ${moment(until ?? Number.NaN)}`,
  };
  const spans = SPANS.filter((s) => s !== 'same' || until !== undefined);
  const span = comboRow(
    _('How long'),
    spans.map((s) => spanWords[s]),
    Math.max(0, spans.indexOf(form.span)),
  );

  const note = new Gtk.Label({ wrap: true, xalign: 0, margin_top: 12, visible: false });
  note.add_css_class('dim-label');
  const look =
    before === undefined
      ? { title: _('New rule'), done: _('Add'), width: 520 }
      : { title: _('Change rule'), done: _('Save'), width: 520 };
  const { window, done, wrong } = formWindow(parent, look, [source, target, folder, kind, span], source, [
    note,
  ]);

  const read = (): RuleForm => ({
    source: source.text ?? '',
    target: target.text ?? '',
    folder: folder.text ?? '',
    kind: KINDS[kind.selected] ?? 'ro',
    span: spans[span.selected] ?? 'always',
  });
  const rows = { source, target, folder, span };
  const check = (): void => {
    const now = read();
    const fault = wrongOf(now, disposable, before?.rule, _);
    folder.visible = now.kind !== 'block';
    for (const [field, row] of Object.entries(rows)) {
      const started = !(row instanceof Adw.EntryRow) || row.text !== '';
      if (fault?.field === field && started) row.add_css_class('error');
      else row.remove_css_class('error');
    }
    const empty = [now.source, now.target, ...(now.kind === 'block' ? [] : [now.folder])].includes('');
    wrong(fault === undefined || empty ? '' : fault.why);
    done.sensitive = fault === undefined;
    // What is typed may hold what cannot be seen: then it is shown beside it as it is.
    const seen = shown(now.folder);
    note.label = seen;
    note.visible = now.folder !== '' && seen !== now.folder;
  };
  for (const row of [source, target, folder]) row.connect('changed', check);
  for (const row of [kind, span]) row.connect('notify::selected', check);
  done.connect('clicked', () => {
    const now = read();
    save(before === undefined ? addCall(now) : editCall(now, before, Date.now()));
    window.close();
  });
  check();
  return window;
}

function entryRow(title: string, text: string): Adw.EntryRow {
  const row = new Adw.EntryRow({ title, text, activates_default: true });
  nameWidget(row, title);
  return row;
}

/** Machines can be picked, and others typed: a rule may come before its machine. */
function nameRow(title: string, text: string, machines: readonly Machine[]): Adw.EntryRow {
  const row = entryRow(title, text);
  if (machines.length === 0) return row;
  const list = new Gtk.ListBox({ selection_mode: Gtk.SelectionMode.NONE });
  list.add_css_class('boxed-list');
  const popover = new Gtk.Popover({
    child: new Gtk.ScrolledWindow({
      child: list,
      propagate_natural_height: true,
      propagate_natural_width: true,
      max_content_height: 300,
      hscrollbar_policy: Gtk.PolicyType.NEVER,
    }),
  });
  for (const { name, disposable } of machines)
    list.append(
      new Adw.ActionRow({
        title: name,
        use_markup: false,
        subtitle: disposable ? _('disposable') : '',
        activatable: true,
      }),
    );
  list.connect('row-activated', (_list, at) => {
    row.text = machines[at.get_index()]?.name ?? '';
    popover.popdown();
  });
  const button = new Gtk.MenuButton({
    icon_name: 'pan-down-symbolic',
    valign: Gtk.Align.CENTER,
    tooltip_text: _('Choose a machine'),
    popover,
  });
  button.add_css_class('flat');
  row.add_suffix(button);
  return row;
}

function comboRow(title: string, words: readonly string[], selected: number): Adw.ComboRow {
  const row = new Adw.ComboRow({ title, model: Gtk.StringList.new([...words]) });
  row.selected = selected;
  return row;
}
