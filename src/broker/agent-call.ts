// SPDX-License-Identifier: MIT

import * as v from 'valibot';
import { parseFolder } from '../policy/folder.ts';
import { bad, good, type Parsed } from '../policy/parsed.ts';
import { asksTraffic, askTraffic } from './traffic-line.ts';

/** Folders inside a granted one that a rule denies. */
export const DENIED = v.array(
  v.pipe(
    v.string(),
    v.check((text: string) => parseFolder(text).ok),
  ),
);

/** What a broker tells a service that it starts itself, in the place of the answer that the service would ask dom0 for. */
const GIVEN = v.strictObject({
  folder: v.pipe(
    v.string(),
    v.check((text: string) => parseFolder(text).ok),
  ),
  access: v.picklist(['ro', 'rw']),
  bound: v.exactOptional(v.string()),
  /** Folders inside that are not served. */
  denied: v.exactOptional(DENIED),
  /** A socket: when its other end is closed, the service ends. */
  controlFd: v.exactOptional(v.pipe(v.number(), v.integer(), v.minValue(3))),
});
export type Given = v.InferOutput<typeof GIVEN>;

/** A call as an agent gets it: the argument of `ninefold agent --call`, or the line on its socket. */
const AGENT_CALL = v.strictObject({
  version: v.literal(1),
  /** `SERVICE+ARGUMENT`. */
  service: v.pipe(v.string(), v.regex(/^[A-Za-z0-9_.-]{1,100}(?:\+[A-Za-z0-9_.+-]{0,100})?$/)),
  source: v.string(),
  /** As whom files are received and opened, where a rule says so. */
  user: v.exactOptional(v.pipe(v.string(), v.regex(/^[a-z_][a-z0-9_-]{0,31}$/))),
  /** With the services of folders, and with no other. */
  given: v.exactOptional(GIVEN),
});
export type AgentCall = v.InferOutput<typeof AGENT_CALL>;

/** The longest call: a path of 4,095 bytes, escaped, in base64. */
export const AGENT_CALL_MAX = 64 * 1024;

export function parseAgentCall(json: string): Parsed<AgentCall> {
  try {
    const parsed = v.safeParse(AGENT_CALL, JSON.parse(json));
    return parsed.success ? good(parsed.output) : bad(parsed.issues[0].message);
  } catch {
    return bad('it is no JSON');
  }
}

/** One word for any shell: base64url has no character that means something to one. `traffic`: it asks for lines with counters. */
export function encodeAgentCall(call: AgentCall, traffic = false): string {
  const json = JSON.stringify(call);
  return Buffer.from(traffic ? askTraffic(json) : json).toString('base64url');
}

/** Whether a call, as its word, asks for lines with counters. */
export const wordAsksTraffic = (word: string): boolean =>
  asksTraffic(Buffer.from(word, 'base64url').toString('utf8'));

export const decodeAgentCall = (word: string): Parsed<AgentCall> =>
  /^[A-Za-z0-9_-]*$/.test(word)
    ? parseAgentCall(Buffer.from(word, 'base64url').toString('utf8'))
    : bad('it is no base64');
