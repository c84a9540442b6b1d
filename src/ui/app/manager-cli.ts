// SPDX-License-Identifier: MIT

import Gio from 'gi://Gio?version=2.0';
import GLib from 'gi://GLib?version=2.0';
import System from 'system';
import type { Call } from '../model/manager-call.ts';

/** What the command printed, or the one line in which it told why it could not. */
export type Told = { readonly ok: true; readonly out: string } | { readonly ok: false; readonly why: string };

/** A path beside the folder of this program, which is `dist/ui`: all of it is of one build. */
export function beside(...parts: readonly string[]): string {
  const here = GLib.path_get_dirname((System as unknown as { programPath: string }).programPath);
  return GLib.canonicalize_filename(GLib.build_filenamev([here, '..', ...parts]), null);
}

/** Node, as whoever started the window has it (NINEFOLD_NODE), or from PATH. */
const node = (): string => GLib.getenv('NINEFOLD_NODE') || 'node';

/** Runs `ninefold` once. Never rejects. */
export function ninefold(call: Call): Promise<Told> {
  return new Promise((resolve) => {
    try {
      const { STDIN_PIPE, STDOUT_PIPE, STDERR_PIPE } = Gio.SubprocessFlags;
      const child = Gio.Subprocess.new(
        [node(), '--no-warnings', beside('bin', 'ninefold.cjs'), ...call.args],
        STDIN_PIPE | STDOUT_PIPE | STDERR_PIPE,
      );
      child.communicate_utf8_async(call.input ?? '', null, (_source, result) => {
        try {
          const [, out, err] = child.communicate_utf8_finish(result);
          if (child.get_if_exited() && child.get_exit_status() === 0) resolve({ ok: true, out: out ?? '' });
          else resolve({ ok: false, why: lastLine(err ?? '') });
        } catch (error) {
          resolve({ ok: false, why: String(error) });
        }
      });
    } catch (error) {
      resolve({ ok: false, why: String(error) });
    }
  });
}

/** The same for commands that print one JSON document; `undefined` when they could not, and `failed` was told why. */
export async function ask(args: readonly string[], failed: (why: string) => void): Promise<unknown> {
  const told = await ninefold({ args });
  if (!told.ok) {
    failed(told.why);
    return undefined;
  }
  try {
    return JSON.parse(told.out) as unknown;
  } catch {
    failed(`ninefold ${args.join(' ')}: no JSON came back`);
    return undefined;
  }
}

function lastLine(text: string): string {
  return text.trim().split('\n').at(-1) || 'ninefold ended without a word';
}

/**
 * Calls `changed` with the names of files of a folder that have changed, at most five times a second, until the monitor that comes back is cancelled. Whoever calls keeps it: one that is collected tells
 * nothing any more.
 */
export function watchFolder(path: string, changed: (names: ReadonlySet<string>) => void): Gio.FileMonitor {
  const monitor = Gio.File.new_for_path(path).monitor_directory(Gio.FileMonitorFlags.WATCH_MOVES, null);
  monitor.set_rate_limit(100);
  let names = new Set<string>();
  let waiting = 0;
  monitor.connect('changed', (_monitor, file, other) => {
    for (const f of [file, other]) {
      const name = f?.get_basename();
      if (name) names.add(name);
    }
    if (waiting !== 0) return;
    waiting = GLib.timeout_add(GLib.PRIORITY_DEFAULT, 200, () => {
      waiting = 0;
      const seen = names;
      names = new Set();
      changed(seen);
      return GLib.SOURCE_REMOVE;
    });
  });
  return monitor;
}
