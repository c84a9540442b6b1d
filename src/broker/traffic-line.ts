// SPDX-License-Identifier: MIT
// No validation library here: the data plane writes these lines, and starts sooner without one.

/** What went through a session, as the server says that serves it: bytes of files, and requests. Another machine's word: good for being shown, for nothing else. */
export interface Traffic {
  readonly read: number;
  readonly written: number;
  readonly operations: number;
}

const BEGIN = '{"traffic":{';
/** A line has less than half of it. */
export const TRAFFIC_LINE_MAX = 256;

/** Among whatever else comes from a server: is this line meant to be one? */
export const isTrafficLine = (line: string): boolean => line.startsWith(BEGIN);

/** Without its newline. */
export const formatTraffic = ({ read, written, operations }: Traffic): string =>
  JSON.stringify({ traffic: { read, written, operations } });

/** undefined: it is none. */
export function parseTraffic(line: string): Traffic | undefined {
  if (line.length > TRAFFIC_LINE_MAX || !isTrafficLine(line)) return undefined;
  try {
    return trafficOf((JSON.parse(line) as { traffic?: unknown }).traffic);
  } catch {
    return undefined;
  }
}

/** The same of a value of JSON. */
export function trafficOf(value: unknown): Traffic | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const { read, written, operations } = value as Record<string, unknown>;
  return isCount(read) && isCount(written) && isCount(operations) ? { read, written, operations } : undefined;
}

const isCount = (n: unknown): n is number => Number.isSafeInteger(n) && (n as number) >= 0;

/** No counter may fall: one that does is no counter. */
export const follows = (next: Traffic, before: Traffic | undefined): boolean =>
  before === undefined ||
  (next.read >= before.read && next.written >= before.written && next.operations >= before.operations);

/**
 * A call of an agent that ends with a blank asks for these lines. A blank, because an older agent refuses a call with a member that it does not know, and one that asks for nothing must get nothing: it would
 * take the lines for the server's last words.
 */
export const askTraffic = (call: string): string => `${call} `;
export const asksTraffic = (call: string): boolean => call.endsWith(' ');
