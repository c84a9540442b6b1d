// SPDX-License-Identifier: MIT

import Gio from 'gi://Gio?version=2.0';
import GLib from 'gi://GLib?version=2.0';
import type { Notice } from '../model/notices.ts';

const NAME = 'org.freedesktop.Notifications';
const PATH = '/org/freedesktop/Notifications';
const OPEN = 'open';
/** So many are known again when they are pressed; the oldest goes first. */
const KNOWN_MAX = 100;

/** Notifications of the desktop. Where there is no daemon for them, they are written on standard error. */
export class Messages {
  readonly #bus: Gio.DBusConnection;
  readonly #openWords: string;
  /** Session → the number of its notification: the next about it takes its place. */
  readonly #numbers = new Map<string, number>();
  #markup: boolean | undefined;

  /** `opened`: the person pressed one, or its button `openWords`. */
  constructor(bus: Gio.DBusConnection, openWords: string, opened: () => void) {
    this.#bus = bus;
    this.#openWords = openWords;
    bus.signal_subscribe(
      NAME,
      NAME,
      'ActionInvoked',
      PATH,
      null,
      Gio.DBusSignalFlags.NONE,
      (_bus, _sender, _path, _interface, _signal, values) => {
        const [number] = values.deepUnpack() as [number, string];
        // Those of other programs come by here too.
        if ([...this.#numbers.values()].includes(number)) opened();
      },
    );
  }

  async send({ id, title, body }: Notice): Promise<void> {
    try {
      this.#markup ??= (await this.#call('GetCapabilities', null, '(as)')).flat().includes('body-markup');
      const words = this.#markup ? GLib.markup_escape_text(body, -1) : body;
      const hints = { 'desktop-entry': GLib.Variant.new_string('org.ninefold.Manager') };
      const values = [
        'Ninefold',
        this.#numbers.get(id) ?? 0,
        'ninefold',
        title,
        words,
        ['default', this.#openWords, OPEN, this.#openWords],
        hints,
        -1,
      ];
      await this.#call('Notify', new GLib.Variant('(susssasa{sv}i)', values), '(u)', ([number]) => {
        if (typeof number === 'number') this.#remember(id, number);
      });
    } catch (error) {
      printerr(`ninefold notices: ${title}: ${body.replaceAll('\n', ', ')} (${String(error)})`);
      // The next daemon may be another.
      this.#markup = undefined;
    }
  }

  #remember(id: string, number: number): void {
    this.#numbers.delete(id);
    this.#numbers.set(id, number);
    if (this.#numbers.size <= KNOWN_MAX) return;
    for (const oldest of this.#numbers.keys()) {
      this.#numbers.delete(oldest);
      return;
    }
  }

  // `now` sees the reply before anything that came on the bus after it: a promise is only told in the main loop's next turn, when an ActionInvoked of the same turn has gone by.
  #call(
    method: string,
    values: GLib.Variant | null,
    reply: string,
    now: (values: unknown[]) => void = () => {},
  ): Promise<unknown[]> {
    return new Promise((resolve, reject) => {
      const type = new GLib.VariantType(reply);
      const flags = Gio.DBusCallFlags.NONE;
      this.#bus.call(NAME, PATH, NAME, method, values, type, flags, -1, null, (bus, result) => {
        try {
          const got = (bus as Gio.DBusConnection).call_finish(result).deepUnpack() as unknown[];
          now(got);
          resolve(got);
        } catch (error) {
          reject(error);
        }
      });
    });
  }
}
