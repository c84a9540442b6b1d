// SPDX-License-Identifier: MIT
// Shows 2,000 rules in the manager's list, filters and scrolls them, then 10,000 lines of the log, and prints the longest time for which the window could not have answered in each of these: one JSON line, milliseconds.

import Adw from 'gi://Adw?version=1';
import Gio from 'gi://Gio?version=2.0';
import GLib from 'gi://GLib?version=2.0';
import Gtk from 'gi://Gtk?version=4.0';
import System from 'system';
import { HistoryPage } from '../../../src/ui/app/history-page.ts';
import { RulesPage } from '../../../src/ui/app/manager-rules-page.ts';
import { useStyle } from '../../../src/ui/app/manager-style.ts';
import { PAGE_LINES, ROWS_MAX } from '../../../src/ui/model/history-log.ts';

const RULES = 2000;
const PHASE_MS = 1500;

const rule = (i: number): object => ({
  id: i.toString(16).padStart(8, '0'),
  effect: 'allow',
  source: `qube-${i % 40}`,
  target: 'vault',
  folder: `/home/user/documents/project-${i}/reports`,
  access: i % 2 === 0 ? 'ro' : 'rw',
  lasts: 'always',
  origin: 'asked',
  made: '2026-11-20T10:00:00.000Z',
});

/** A page of a log of as many lines as a window keeps, and some. */
function logPage(before: string | undefined): string {
  const end = before === undefined ? ROWS_MAX + 10 : Number(before);
  const from = Math.max(0, end - PAGE_LINES);
  const lines: object[] = [];
  for (let i = from; i < end; i++)
    lines.push({
      id: String(i),
      time: new Date(i * 1000).toISOString(),
      event: i % 2 === 0 ? 'request' : 'decision',
      source: `qube-${i % 40}`,
      target: 'vault',
      folder: `/home/user/documents/project-${i}`,
      ...(i % 2 === 0 ? {} : { result: 'denied', why: 'a person said no, for this time' }),
    });
  lines.push({ page: from === 0 ? {} : { older: String(from) } });
  return lines.map((line) => JSON.stringify(line)).join('\n');
}

const later = (ms: number, work: () => boolean): void =>
  void GLib.timeout_add(GLib.PRIORITY_DEFAULT, ms, () =>
    work() ? GLib.SOURCE_CONTINUE : GLib.SOURCE_REMOVE,
  );

function measure(pages: Gtk.Stack, page: RulesPage, log: HistoryPage, done: (found: object) => void): void {
  const found: Record<string, number> = {};
  let last = 0;
  let longest = 0;
  // Below the drawing: that it comes late means that nothing else could come.
  later(2, () => {
    const now = GLib.get_monotonic_time() / 1000;
    if (last > 0) longest = Math.max(longest, now - last);
    last = now;
    return true;
  });
  const scrolled = (): Gtk.Adjustment => {
    const stack = page.widget.get_last_child() as Gtk.Stack;
    return (stack.get_visible_child() as Gtk.ScrolledWindow).vadjustment;
  };
  const phases: readonly (readonly [name: string, work: () => void])[] = [
    ['nothing', () => {}],
    ['fill', () => void page.update(Array.from({ length: RULES }, (_, i) => rule(i)))],
    ['filter', () => page.search.set_text('project-12')],
    ['filter to one', () => page.search.set_text('project-1234')],
    ['all again', () => page.search.set_text('')],
    [
      'scroll',
      () => {
        let step = 0;
        later(16, () => {
          const { upper, page_size: size } = scrolled();
          scrolled().value = ((upper - size) * ++step) / 80;
          return step < 80;
        });
      },
    ],
    [
      'log',
      () => {
        pages.visible_child = log.widget;
        void log.load();
      },
    ],
    ['log, older', () => olderOf(log).emit('clicked')],
    ['log, one more line', () => void log.load()],
    ['log, filtered', () => log.search.set_text('project-19')],
  ];
  const next = (i: number): void => {
    const phase = phases[i];
    if (phase === undefined) return done(found);
    longest = 0;
    last = 0;
    const [name, work] = phase;
    const began = GLib.get_monotonic_time() / 1000;
    work();
    longest = GLib.get_monotonic_time() / 1000 - began;
    later(PHASE_MS, () => {
      found[name] = Math.round(longest * 10) / 10;
      next(i + 1);
      return false;
    });
  };
  next(0);
}

/** The button below the list. */
const olderOf = (log: HistoryPage): Gtk.Button =>
  (log.widget.get_last_child() as Gtk.Box).get_last_child() as Gtk.Button;

const app = new Adw.Application({ flags: Gio.ApplicationFlags.NON_UNIQUE });
app.connect('activate', () => {
  useStyle();
  const page = new RulesPage({ edit: () => {}, revoke: () => {} });
  // As from a command: not in the same turn of the main loop.
  const fetched = (before?: string): Promise<string> =>
    new Promise((resolve) =>
      later(20, () => {
        resolve(logPage(before));
        return false;
      }),
    );
  const log = new HistoryPage(fetched);
  const window = new Adw.ApplicationWindow({ application: app, default_width: 860, default_height: 620 });
  const pages = new Gtk.Stack();
  for (const { widget } of [page, log]) pages.add_child(widget);
  window.set_content(pages);
  window.present();
  later(1500, () => {
    measure(pages, page, log, (found) => {
      print(JSON.stringify(found));
      window.close();
    });
    return false;
  });
});
System.exit(app.run([]));
