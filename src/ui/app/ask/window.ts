// SPDX-License-Identifier: MIT

import Adw from 'gi://Adw?version=1';
import Gdk from 'gi://Gdk?version=4.0';
import GLib from 'gi://GLib?version=2.0';
import Gtk from 'gi://Gtk?version=4.0';
import { answerOf, type Choice } from '../../model/ask/answer.ts';
import { Guard, KeyPress } from '../../model/ask/guard.ts';
import type { Answer, Question, ServiceQuestion } from '../../model/ask/question.ts';
import type { View } from '../../model/ask/view.ts';
import { readWaiting } from './io.ts';
import { choice, fact, label, note, path } from './parts.ts';

/** Of the window, where the screen has it. Pixels of the desktop's scale. */
const WIDTH = 560;
/** How much of the screen's height it may take. */
const SHARE = 0.95;
const FRAME = 12;
/** The room below the last line of what is asked. */
const BOTTOM = 14;
/** How often the clock and the guard are looked at. Milliseconds. */
const TICK_MS = 100;

const now = (): number => GLib.get_monotonic_time() / 1000;
const isEnter = (key: number): boolean =>
  key === Gdk.KEY_Return || key === Gdk.KEY_KP_Enter || key === Gdk.KEY_ISO_Enter;

/** The dialog. `answered` is called once; a window that is closed without it was a denial. */
export class AskWindow {
  readonly #window: Adw.ApplicationWindow;
  readonly #question: Question | ServiceQuestion;
  readonly #view: View;
  readonly #deadline: number;
  readonly #answered: (answer: Answer) => void;
  readonly #guard = new Guard();
  readonly #press = new KeyPress();
  readonly #choice: { access: Question['access']; term: (Choice & { kind: 'allow' })['term'] };
  readonly #deny: Gtk.Button;
  readonly #allow: Gtk.Button;
  /** Those that keep something, each with what it means. */
  readonly #guarded: Map<Gtk.Widget, () => Choice>;
  readonly #status: Gtk.Label;
  readonly #bar = new Gtk.ProgressBar();
  readonly #scroller: Gtk.ScrolledWindow;
  readonly #content: Gtk.Widget;
  #seen = false;
  #done = false;
  #seconds = 0;
  #waiting = 0;
  #timer = 0;

  /** `deadline`: in milliseconds of GLib's monotonic clock. */
  constructor(
    app: Adw.Application,
    question: Question | ServiceQuestion,
    view: View,
    deadline: number,
    answered: (answer: Answer) => void,
  ) {
    this.#question = question;
    this.#view = view;
    this.#deadline = deadline;
    this.#answered = answered;
    this.#choice = { access: question.version === 1 ? question.access : 'ro', term: 'once' };
    this.#window = new Adw.ApplicationWindow({ application: app, title: view.title });

    const button = (text: string, hint: string | undefined, ...classes: string[]): Gtk.Button => {
      const words = label(text);
      words.set_xalign(0.5);
      words.set_justify(Gtk.Justification.CENTER);
      const made = new Gtk.Button({ child: words, hexpand: true });
      made.update_property([Gtk.AccessibleProperty.LABEL], [text]);
      if (hint !== undefined) {
        made.set_tooltip_text(hint);
        made.update_property([Gtk.AccessibleProperty.DESCRIPTION], [hint]);
      }
      for (const name of classes) made.add_css_class(name);
      return made;
    };
    const { buttons, hints } = view;
    this.#deny = button(buttons.deny, undefined, 'suggested-action');
    this.#allow = button(buttons.allow, hints.allow);
    const never = buttons.never === undefined ? undefined : button(buttons.never, hints.never);
    const block = button(buttons.block, hints.block);
    this.#guarded = new Map<Gtk.Widget, () => Choice>([
      [this.#allow, () => ({ kind: 'allow', ...this.#choice })],
      [block, () => ({ kind: 'block' })],
    ]);
    if (never !== undefined) this.#guarded.set(never, () => ({ kind: 'deny-always' }));
    // It has the focus: what a screen reader says first is what is asked.
    const { which } = view;
    const folder = which === undefined ? [] : [`${which.label}: ${which.pieces.map((p) => p.text).join('')}`];
    const asked = [view.heading, ...view.lead, ...folder, ...view.notes].join('\n');
    this.#deny.update_property([Gtk.AccessibleProperty.DESCRIPTION], [asked]);
    this.#deny.connect('clicked', () => this.#answer({ kind: 'deny' }));
    for (const widget of this.#guarded.keys())
      (widget as Gtk.Button).connect('clicked', () => this.#answerGuarded(widget));

    this.#status = label(view.status(question.patience, 0, true), 'caption', 'numeric');
    this.#status.set_xalign(0.5);
    this.#content = this.#contentOf();
    this.#scroller = new Gtk.ScrolledWindow({
      child: this.#content,
      hscrollbar_policy: Gtk.PolicyType.NEVER,
      vexpand: true,
    });
    const row = (...widgets: Gtk.Widget[]): Gtk.Widget => {
      const box = new Gtk.Box({ spacing: 8, homogeneous: true });
      for (const widget of widgets) box.append(widget);
      return box;
    };
    const actions = new Gtk.Box({ orientation: Gtk.Orientation.VERTICAL, spacing: 8 });
    inset(actions, 12, 18);
    for (const part of [
      this.#bar,
      this.#status,
      row(this.#deny, this.#allow),
      row(...(never === undefined ? [block] : [never, block])),
    ])
      actions.append(part);
    const all = new Gtk.Box({ orientation: Gtk.Orientation.VERTICAL });
    for (const part of [new Adw.HeaderBar({ decoration_layout: ':close' }), this.#scroller, actions])
      all.append(part);
    this.#window.set_content(all);
    this.#window.set_default_widget(this.#deny);
    this.#window.set_focus(this.#deny);
    this.#listen();
    this.#size(all, actions);
    this.#tick();
  }

  present(): void {
    this.#window.present();
  }

  #contentOf(): Gtk.Widget {
    const view = this.#view;
    const box = new Gtk.Box({ orientation: Gtk.Orientation.VERTICAL, spacing: 14 });
    inset(box, 6, BOTTOM);
    const facts = new Gtk.Box({ spacing: 18, homogeneous: true });
    facts.append(fact(view.who.label, view.who.value));
    facts.append(fact(view.whose.label, view.whose.value));
    const lines = new Gtk.Box({ orientation: Gtk.Orientation.VERTICAL, spacing: 4 });
    for (const text of view.lead) lines.append(label(text));
    const { which, access, term } = view;
    if (which !== undefined) {
      lines.append(label(which.label, 'dim-label', 'caption-heading'));
      lines.append(path(which.label, which.pieces));
    }
    if (view.legend !== undefined) lines.append(label(view.legend, 'caption'));
    const choices = new Gtk.Box({ spacing: 18, homogeneous: true });
    if (access !== undefined)
      choices.append(
        choice(access.label, access.options, this.#choice.access, access.reason, (value) => {
          this.#choice.access = value;
        }),
      );
    if (term !== undefined)
      choices.append(
        choice(term.label, term.options, this.#choice.term, term.reason, (value) => {
          this.#choice.term = value;
        }),
      );
    box.append(label(view.heading, 'title-3'));
    box.append(facts);
    // Above the path, so that they are on the screen however long that is.
    for (const text of view.notes) box.append(note(text));
    box.append(lines);
    if (access !== undefined || term !== undefined) box.append(choices);
    return box;
  }

  #listen(): void {
    const window = this.#window;
    window.connect('map', () => {
      window.add_tick_callback(() => {
        this.#guard.came(now());
        return GLib.SOURCE_REMOVE;
      });
    });
    window.connect('notify::is-active', () => {
      if (window.is_active) this.#guard.came(now());
      else this.#guard.left();
      this.#tick();
    });
    window.connect('notify::focus-widget', () => this.#press.forget());
    window.connect('close-request', () => {
      GLib.source_remove(this.#timer);
      return false;
    });
    const keys = new Gtk.EventControllerKey({ propagation_phase: Gtk.PropagationPhase.CAPTURE });
    keys.connect('key-pressed', (_, key: number, code: number) => this.#pressed(key, code));
    keys.connect('key-released', (_, _key: number, code: number) => this.#released(code));
    window.add_controller(keys);
    this.#timer = GLib.timeout_add(GLib.PRIORITY_DEFAULT, TICK_MS, () => {
      this.#tick();
      return GLib.SOURCE_CONTINUE;
    });
  }

  /** True: nobody else gets the key. */
  #pressed(key: number, code: number): boolean {
    this.#guard.pressed(code);
    if (key === Gdk.KEY_Escape) {
      this.#answer({ kind: 'deny' });
      return true;
    }
    if (this.#scrolled(key)) return true;
    const focus = this.#window.get_focus();
    const isGuarded = focus !== null && this.#guarded.has(focus);
    if (isGuarded && (isEnter(key) || key === Gdk.KEY_space || key === Gdk.KEY_KP_Space)) {
      this.#press.pressed(code);
      return true;
    }
    if (!isEnter(key)) return false;
    this.#answer({ kind: 'deny' });
    return true;
  }

  /** The question's own keys, whatever has the focus: a path may be longer than the screen. */
  #scrolled(key: number): boolean {
    const down = key === Gdk.KEY_Page_Down || key === Gdk.KEY_KP_Page_Down;
    if (!down && key !== Gdk.KEY_Page_Up && key !== Gdk.KEY_KP_Page_Up) return false;
    const across = this.#scroller.get_vadjustment();
    // Less than a page, so that the last line is seen again.
    const step = across.get_page_size() * 0.9;
    across.set_value(across.get_value() + (down ? step : -step));
    return true;
  }

  #released(code: number): void {
    this.#guard.released(code);
    const focus = this.#window.get_focus();
    if (this.#press.released(code) && focus !== null) this.#answerGuarded(focus);
  }

  #answerGuarded(widget: Gtk.Widget): void {
    const chosen = this.#guarded.get(widget)?.();
    if (chosen === undefined || !widget.is_sensitive() || !this.#guard.isOpen(now())) return;
    this.#answer(chosen);
  }

  #answer(chosen: Choice): void {
    if (this.#done) return;
    this.#done = true;
    this.#answered(answerOf(this.#question, chosen, new Date()));
    this.#window.close();
  }

  #tick(): void {
    if (this.#done) return;
    const left = this.#deadline - now();
    if (left <= 0) return this.#answer({ kind: 'deny' });
    this.#bar.set_fraction(Math.min(1, left / (this.#question.patience * 1000)));
    const open = this.#guard.isOpen(now());
    if (!this.#seen && this.#window.get_mapped()) this.#look();
    const seconds = Math.ceil(left / 1000);
    if (seconds !== this.#seconds) this.#waiting = readWaiting(this.#question);
    this.#seconds = seconds;
    this.#status.set_label(this.#view.status(seconds, this.#waiting, this.#seen));
    for (const widget of this.#guarded.keys())
      widget.set_sensitive(open && (widget !== this.#allow || this.#seen));
  }

  /** All of the question has been on the screen once it was scrolled to its end. */
  #look(): void {
    const across = this.#scroller.get_vadjustment();
    if (across.get_page_size() <= 1) return;
    this.#seen = across.get_value() + across.get_page_size() >= across.get_upper() - BOTTOM;
  }

  /** As high as what is in it, where the screen has that height. */
  #size(all: Gtk.Widget, actions: Gtk.Widget): void {
    const monitors = this.#window.get_display().get_monitors();
    let width = WIDTH;
    let height = Number.POSITIVE_INFINITY;
    for (let i = 0; i < monitors.get_n_items(); i++) {
      const { width: w, height: h } = (monitors.get_item(i) as Gdk.Monitor).get_geometry();
      width = Math.min(width, Math.floor(w * SHARE));
      height = Math.min(height, Math.floor(h * SHARE));
    }
    // Without a compositor the window draws a frame of its own inside.
    const tall = (widget: Gtk.Widget): number => widget.measure(Gtk.Orientation.VERTICAL, width - FRAME)[1];
    const header = all.get_first_child();
    const wanted = FRAME + tall(this.#content) + tall(actions) + (header === null ? 0 : tall(header));
    this.#window.set_default_size(width, Math.min(wanted, height));
  }
}

/** Room around a part: above it, below it, and at its sides. */
function inset(widget: Gtk.Widget, above: number, below: number): void {
  widget.set_margin_top(above);
  widget.set_margin_bottom(below);
  widget.set_margin_start(18);
  widget.set_margin_end(18);
}
