// SPDX-License-Identifier: MIT

import GLib from 'gi://GLib?version=2.0';

/** Works through the slices of something long; between two of them whatever else waits has its turn, drawing too. */
export async function inSlices<T>(slices: Generator<undefined, T>): Promise<T> {
  for (let step = slices.next(); ; step = slices.next()) {
    if (step.done === true) return step.value;
    await idle();
  }
}

const idle = (): Promise<void> =>
  new Promise((resolve) => {
    GLib.idle_add(GLib.PRIORITY_DEFAULT_IDLE, () => {
      resolve();
      return GLib.SOURCE_REMOVE;
    });
  });
