// SPDX-License-Identifier: MIT

import type { Desk } from '../../broker/desk.ts';
import { LOOK_MS } from '../../broker/keeper.ts';
import { beginSession } from '../../broker/session-service.ts';
import { Flood, LineCutter } from '../../broker/traffic.ts';
import { TRAFFIC_LINE_MAX } from '../../broker/traffic-line.ts';
import { readLine } from './input.ts';
import { type ServiceCall, send } from './main.ts';

const CLAIM_MAX = 16 * 1024;

/** `ninefold.FolderSession` under qrexec: one process keeps one session, until either side ends it. */
export async function sessionService(desk: Desk, call: ServiceCall): Promise<number> {
  let gone: () => void = () => {};
  const closed = new Promise<string>((resolve) => {
    gone = () => resolve('the target closed it');
  });
  const line = await readLine(process.stdin, CLAIM_MAX, gone);
  const begun = await beginSession(desk, call.source, call.argument, line ?? '');
  if (!('kept' in begun)) return send(begun);
  const { kept } = begun;
  const stopped = new Promise<string>((resolve) => {
    for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const)
      process.once(signal, () => resolve('its keeper was ended'));
  });
  let timer: NodeJS.Timeout | undefined;
  const ordered = new Promise<string>((resolve) => {
    timer = setInterval(() => {
      const why = kept.check();
      if (why !== undefined) resolve(why);
    }, LOOK_MS);
  });
  const flood = new Flood();
  const told = new LineCutter(TRAFFIC_LINE_MAX, (text) => kept.tell(text));
  const flooded = new Promise<string>((resolve) => {
    process.stdin.on('data', (part: Buffer) => {
      if (flood.add(part.length)) resolve('the target said more than it has to say');
      else told.push(part);
    });
  });
  process.stdout.on('error', gone);
  process.stdout.write(begun.line);
  const why = await Promise.race([closed, stopped, ordered, flooded]);
  clearInterval(timer);
  kept.over(why);
  return 0;
}
