// SPDX-License-Identifier: MIT

import { randomBytes } from 'node:crypto';
import { Socket } from 'node:net';
import * as v from 'valibot';
import { EPROTO } from '../base/errno.ts';
import type { Ended } from './call.ts';
import { readLineOf, takeData } from './control.ts';
import { readLineExactly } from './line.ts';
import { nodeSocket } from './node-socket.ts';
import type { BrokerSys } from './sys.ts';

/** A call that has come in. */
export interface Incoming {
  /** Where its end is told. */
  readonly control: Socket;
  /** The call; undefined: none came in time. */
  readonly line: string | undefined;
  /** The service's standard input and output, the taker's to close. */
  readonly data: number;
}

/** The second connection of a call over a stream that carries no descriptors. */
const DATA = v.strictObject({
  version: v.literal(1),
  data: v.pipe(v.string(), v.regex(/^[0-9a-f]{32}$/)),
});

/** How long a line, and a second connection, may take. */
const PATIENCE_MS = 10_000;

/** qrexec's status for what cannot be run. */
const UNFIT: Ended = { exit: 125, words: 'what was passed is no stream socket of this machine (AF_UNIX)' };

interface Waiting {
  readonly who: string;
  take(fd: number): void;
}

/**
 * Takes calls from connections, the same for a broker and for an agent. A connection begins with one byte. A descriptor comes with it where the socket can carry one, and the call's line follows. Else the line
 * comes alone and is answered with `{"data":"TOKEN"}`; a second connection, of the same machine, brings the token in the line `{"version":1,"data":"TOKEN"}`, and what follows there is the service's. The token is 128
 * random bits, good once, for ten seconds: nobody else can put a connection in that place.
 */
export class Entrance {
  readonly #sys: BrokerSys;
  readonly #max: number;
  readonly #unixOnly: boolean;
  readonly #waiting = new Map<string, Waiting>();

  /** `max`: bytes of a call's line. `unixOnly`: what is passed must be a stream socket of this machine, because it is read and written here, by way of `shared.ts`; else only processes of their own get it. */
  constructor(sys: BrokerSys, max: number, unixOnly = false) {
    this.#sys = sys;
    this.#max = max;
    this.#unixOnly = unixOnly;
  }

  /** `who` is at the other end of `fd`, which is taken over. undefined: it was no call, and is closed; or the second connection of another one, which has it now. Rejects with NinefoldError NO_CHANNEL (exit 71). */
  async take(fd: number, who: string): Promise<Incoming | undefined> {
    const first = await takeData(this.#sys, fd);
    if (first >= 0) {
      const control = new Socket({ fd });
      control.on('error', () => {});
      if (this.#unixOnly && !this.#sys.isUnixStream(first)) {
        this.#sys.close(first);
        control.resume().end(`${JSON.stringify(UNFIT)}\n`);
        return undefined;
      }
      return { control, data: first, line: await readLineOf(control, this.#max, PATIENCE_MS) };
    }
    const bytes =
      first === -EPROTO ? await readLineExactly(this.#sys, fd, this.#max, PATIENCE_MS) : undefined;
    const line = bytes === undefined ? undefined : Buffer.from(bytes).toString('utf8');
    const token = tokenOf(line);
    if (line !== undefined && token === undefined) return this.#second(fd, who, line);
    const waiting = this.#waiting.get(token ?? '');
    if (token === undefined || waiting?.who !== who) this.#sys.close(fd);
    else {
      this.#waiting.delete(token);
      waiting.take(fd);
    }
    return undefined;
  }

  /** Waits for the second connection of the call in `line`. */
  async #second(fd: number, who: string, line: string): Promise<Incoming | undefined> {
    const control = nodeSocket(this.#sys, fd);
    control.on('error', () => {});
    const token = randomBytes(16).toString('hex');
    const data = await new Promise<number>((resolve) => {
      const finish = (found: number): void => {
        this.#waiting.delete(token);
        clearTimeout(timer);
        control.off('close', none);
        resolve(found);
      };
      const none = (): void => finish(-1);
      const timer = setTimeout(none, PATIENCE_MS);
      this.#waiting.set(token, { who, take: finish });
      // Its end is heard only while it is read.
      control.once('close', none).resume();
      control.write(`${JSON.stringify({ data: token })}\n`);
    });
    if (data >= 0) return { control, line, data };
    control.destroy();
    return undefined;
  }
}

function tokenOf(line: string | undefined): string | undefined {
  try {
    const parsed = v.safeParse(DATA, JSON.parse(line ?? ''));
    return parsed.success ? parsed.output.data : undefined;
  } catch {
    return undefined;
  }
}
