// SPDX-License-Identifier: MIT

import Adw from 'gi://Adw?version=1';
import GLib from 'gi://GLib?version=2.0';

/** Words that show for a while. They are plain text; a toast alone of all widgets here reads markup, and cannot be told not to. */
export function toastOf(
  words: string,
  button?: { readonly label: string; readonly action: string },
): Adw.Toast {
  const toast = new Adw.Toast({ title: GLib.markup_escape_text(words, -1), timeout: 8 });
  if (button !== undefined) {
    toast.button_label = button.label;
    toast.action_name = button.action;
  }
  return toast;
}
