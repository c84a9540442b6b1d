// SPDX-License-Identifier: MIT
// Sees and presses what a screen reader sees and presses. One JSON command a line on standard input, one JSON answer a line on standard output:
//   {"do":"tree","pid":N}            → [{"path":[0,2],"role","name","description","states","text"}…], empty while the process shows nothing
//   {"do":"press","pid":N,"path":[…]} → true, once its first action was done

import Atspi, { type Accessible } from 'gi://Atspi?version=2.0';
import Gio from 'gi://Gio?version=2.0';
import GLib from 'gi://GLib?version=2.0';
import System from 'system';

const STATES = ['CHECKED', 'ENABLED', 'FOCUSED', 'SENSITIVE', 'SHOWING', 'VISIBLE', 'ACTIVE', 'PRESSED'];
/** A tree deeper or longer than this is none of ours. */
const DEPTH_MAX = 60;

interface Command {
  readonly do: 'tree' | 'press';
  readonly pid: number;
  readonly path?: readonly number[];
}

function describe(node: Accessible, path: readonly number[], out: unknown[]): void {
  node.clear_cache();
  const states = node.get_state_set();
  const text = node.get_text_iface();
  out.push({
    path,
    role: node.get_role_name(),
    name: node.get_name(),
    description: node.get_description(),
    states: STATES.filter((s) => states.contains(Atspi.StateType[s] ?? -1)).map((s) => s.toLowerCase()),
    ...(text === null ? {} : { text: text.get_text(0, text.get_character_count()) }),
  });
  if (path.length > DEPTH_MAX) return;
  const count = node.get_child_count();
  for (let i = 0; i < count; i++) {
    const child = node.get_child_at_index(i);
    if (child !== null) describe(child, [...path, i], out);
  }
}

function applicationOf(pid: number): Accessible | undefined {
  const desktop = Atspi.get_desktop(0);
  desktop.clear_cache();
  for (let i = 0; i < desktop.get_child_count(); i++) {
    const app = desktop.get_child_at_index(i);
    if (app !== null && app.get_process_id() === pid) return app;
  }
  return undefined;
}

function perform(command: Command): unknown {
  // News of what was seen before.
  while (GLib.MainContext.default().iteration(false));
  const app = applicationOf(command.pid);
  if (command.do === 'tree') {
    const out: unknown[] = [];
    if (app !== undefined) describe(app, [], out);
    return out;
  }
  let node: Accessible | null | undefined = app;
  for (const index of command.path ?? []) node = node?.get_child_at_index(index);
  return node?.get_action_iface()?.do_action(0) ?? false;
}

Atspi.init();
const input = new Gio.DataInputStream({ base_stream: Gio.UnixInputStream.new(0, false) });
for (;;) {
  const [line] = input.read_line_utf8(null);
  if (line === null) break;
  let answer: unknown;
  try {
    answer = perform(JSON.parse(line) as Command);
  } catch (error) {
    // What is looked at may go away under the look.
    answer = { error: String(error) };
  }
  print(JSON.stringify(answer));
}
System.exit(0);
