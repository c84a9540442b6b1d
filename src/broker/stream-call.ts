// SPDX-License-Identifier: MIT

import type { Socket } from 'node:net';
import * as v from 'valibot';
import { printable } from '../base/error.ts';
import { readLineOf } from './control.ts';
import { nodeSocket } from './node-socket.ts';
import { sendShared } from './shared.ts';
import type { BrokerSys } from './sys.ts';

/** A call made by two connections: see `Entrance`. */
export interface StreamCall {
  /** Where its end is told. */
  readonly control: Socket;
  /** The service's standard input and output. */
  readonly data: number;
}

const TOKEN = v.object({ data: v.pipe(v.string(), v.regex(/^[0-9a-f]{32}$/)) });
const ANSWER_MS = 15_000;
const ANSWER_MAX = 16 * 1024;

/** Begins a call where no descriptor can be handed over. `open` makes one connection each time; `lost` is thrown when the other side does not do its part, with the reason. Rejects with that, and with what `open` throws. */
export async function streamCall(
  sys: BrokerSys,
  open: () => Promise<number>,
  line: string,
  lost: (why: string) => Error,
): Promise<StreamCall> {
  const control = nodeSocket(sys, await open());
  control.on('error', () => {});
  try {
    control.write(`\0${line}\n`);
    const answer = await readLineOf(control, ANSWER_MAX, ANSWER_MS);
    const token = tokenOf(answer);
    if (token === undefined)
      throw lost(
        answer === undefined ? 'it closed the connection' : `it answered ${printable(answer.slice(0, 100))}`,
      );
    const data = await open();
    const second = Buffer.from(`\0${JSON.stringify({ version: 1, data: token })}\n`);
    // Even into an empty one a virtual machine may let nothing: it says itself how much room it has.
    if (await sendShared(sys, data, second, ANSWER_MS)) return { control, data };
    sys.close(data);
    throw lost('it closed the second connection');
  } catch (error) {
    control.destroy();
    throw error;
  }
}

function tokenOf(answer: string | undefined): string | undefined {
  try {
    const parsed = v.safeParse(TOKEN, JSON.parse(answer ?? ''));
    return parsed.success ? parsed.output.data : undefined;
  } catch {
    return undefined;
  }
}
