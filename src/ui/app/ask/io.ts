// SPDX-License-Identifier: MIT

import Gio from 'gi://Gio?version=2.0';
import GLib from 'gi://GLib?version=2.0';
import { FILE_MAX, formatLast, type LastShown, parseLast } from '../../model/ask/last.ts';
import type { Question, ServiceQuestion } from '../../model/ask/question.ts';

/** A question is some 20 KB at the most. */
const INPUT_MAX = 512 * 1024;

/** All of standard input as text; undefined where it is too long or no UTF-8. Blocks until its end. */
export function readInput(): string | undefined {
  const input = Gio.UnixInputStream.new(0, false);
  const parts: Uint8Array[] = [];
  let size = 0;
  for (;;) {
    const part = input.read_bytes(64 * 1024, null).toArray();
    if (part.length === 0) break;
    size += part.length;
    if (size > INPUT_MAX) return undefined;
    parts.push(part);
  }
  const whole = new Uint8Array(size);
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(whole);
  } catch {
    return undefined;
  }
}

const stateFile = (): string => GLib.build_filenamev([GLib.get_user_state_dir(), 'ninefold', 'asked.json']);

/** What was shown before; nothing where there is no such file, or a bad one. */
export function loadLast(): LastShown {
  try {
    const file = Gio.File.new_for_path(stateFile());
    const info = file.query_info('standard::size,standard::type', Gio.FileQueryInfoFlags.NONE, null);
    if (info.get_file_type() !== Gio.FileType.REGULAR || info.get_size() > FILE_MAX) return new Map();
    const [, bytes] = file.load_contents(null);
    return parseLast(new TextDecoder().decode(bytes));
  } catch {
    return new Map();
  }
}

/** For the owner alone, whole or not at all. Where it cannot be kept, the next question marks nothing. */
export function saveLast(last: LastShown): void {
  const path = stateFile();
  try {
    GLib.mkdir_with_parents(GLib.path_get_dirname(path), 0o700);
    GLib.file_set_contents_full(
      path,
      new TextEncoder().encode(formatLast(last)),
      GLib.FileSetContentsFlags.CONSISTENT,
      0o600,
    );
  } catch (error) {
    printerr(
      `ninefold-ask: ${path} cannot be written: ${error instanceof Error ? error.message : String(error)}`,
    );
  }
}

/** How many questions stand in line behind this one, by the broker's file; what the question says where that cannot be read. */
export function readWaiting(question: Question | ServiceQuestion): number {
  const asked = question.waiting ?? 0;
  if (question.waitingFile === undefined) return asked;
  try {
    const [, bytes] = GLib.file_get_contents(question.waitingFile);
    const text = bytes.length > 8 ? '' : new TextDecoder().decode(bytes);
    return /^[0-9]+$/.test(text) ? Number(text) : asked;
  } catch {
    return asked;
  }
}
