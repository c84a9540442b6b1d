// SPDX-License-Identifier: MIT

import * as v from 'valibot';
import { Book } from '../policy/book.ts';
import { isLasting, standing, used } from '../policy/change.ts';
import { fingerprint, isFingerprint } from '../policy/fingerprint.ts';
import { contains, parseFolder } from '../policy/folder.ts';
import { parseName } from '../policy/name.ts';
import { bad, good, type Parsed } from '../policy/parsed.ts';
import { ACCESSES, type Access, isAlive, type Request, type Rule } from '../policy/rule.ts';
import { parseFolderLine } from '../policy/wire.ts';
import { broken, type Desk, disposablesOf, invalid, REFUSED, type Reply } from './desk.ts';

/** A connection that is allowed: what may be served. */
export interface Admitted extends Request {
  readonly rule: Rule;
  /** Folders inside that are denied. */
  readonly denied: readonly string[];
}

/** How many folders inside may be denied, and how many bytes their list may have: it goes in one line. */
const DENIED_MAX = 256;
const DENIED_BYTES = 12_000;

/** What the target knows beside the fingerprint. */
export interface Claim {
  readonly print: string;
  /** Who says it owns the folder. */
  readonly target: string;
  /** Who connects, where the target says so. */
  readonly source?: string;
  readonly folder: string;
  /** Which folder that is (see `Rule.bound`). */
  readonly bound?: string;
  /** The target is one of ours: it can serve read-only, and keep folders inside out. */
  readonly knowsReadOnly: boolean;
}

/**
 * Is there a grant under this fingerprint for this target, and does it hold for this folder now? A one-time grant is used up by a yes, and by nothing else. The rules are asked
 * anew for the very folder: a denial further down than the grant refuses it. `begin` is called while nobody else can change the rules; where it throws, nothing is used up.
 */
export async function admit(
  desk: Desk,
  claim: Claim,
  begin?: (admitted: Admitted) => void,
): Promise<Parsed<Admitted>> {
  // Who is granted something lasting needs no question to come here, so that it is looked at here too.
  const lasting = desk.store.load().rules.filter((rule) => isLasting(rule) && isAbout(desk, rule, claim));
  const disposables = await disposablesOf(
    desk,
    lasting.flatMap(({ source, target }) => [source, target]),
  );
  return desk.store.change<Parsed<Admitted>>((rules, now) => {
    const found = match(desk, standing(rules, disposables), claim, now);
    if ('why' in found) {
      // The folder that was granted is gone, and so is its grant: the next request is asked about.
      const kept = found.replaced === undefined ? rules : rules.filter((rule) => rule.id !== found.replaced);
      return { rules: kept, result: bad(found.why) };
    }
    begin?.(found);
    return { rules: used(rules, found.rule), result: good(found) };
  });
}

function match(
  desk: Desk,
  rules: readonly Rule[],
  claim: Claim,
  now: number,
): Admitted | { readonly why: string; readonly replaced?: string } {
  const { print, target, source, folder } = claim;
  let why = 'this target has no such grant for this folder';
  for (const rule of rules) {
    // What is cheap to tell comes first: a fingerprint costs a hash.
    if (rule.effect !== 'allow' || rule.target !== target || !contains(rule.folder, folder)) continue;
    if (!isAlive(rule, now)) continue;
    const access = accessUnder(desk, rule, print);
    if (access === undefined) continue;
    if (source !== undefined && rule.source !== source) why = `it was granted to ${rule.source}`;
    else if (!claim.knowsReadOnly && rule.access === 'ro')
      why = 'it is read only, which the target cannot do';
    else if (isReplaced(rule, claim))
      return {
        why: 'another folder has taken the place of the one that was granted',
        replaced: rule.id,
      };
    else {
      const request = { source: rule.source, target, folder, access };
      const book = new Book(rules);
      const decision = book.decide(request, now);
      const denied = decision.kind === 'allow' ? book.deniedBelow(request, now) : [];
      if (decision.kind !== 'allow') why = 'a rule for a deeper folder, or a block, refuses it';
      else if (denied.length > 0 && !claim.knowsReadOnly)
        why = 'folders inside it are denied, which the target cannot keep out';
      else if (denied.length > DENIED_MAX || JSON.stringify(denied).length > DENIED_BYTES)
        why = `${denied.length} folders inside it are denied, which are too many`;
      else return { ...request, rule: decision.rule, denied };
    }
  }
  return { why };
}

const isReplaced = (rule: Rule, claim: Claim): boolean =>
  rule.bound !== undefined &&
  claim.bound !== undefined &&
  claim.folder === rule.folder &&
  rule.bound !== claim.bound;

const isAbout = (desk: Desk, rule: Rule, { print, target, folder }: Claim): boolean =>
  rule.target === target && contains(rule.folder, folder) && accessUnder(desk, rule, print) !== undefined;

function accessUnder(desk: Desk, rule: Rule, print: string): Access | undefined {
  for (const access of ACCESSES)
    if ((access === 'ro' || rule.access === 'rw') && fingerprint(desk.sha256, rule, access) === print)
      return access;
  return undefined;
}

const QUERY = 'QueryFolderAuthorization';

/**
 * `ruddo.QueryFolderAuthorization+FINGERPRINT`, from the target: the folder in base64, to its end. Answered with the folder and a newline. The caller must be the
 * target of the grant; a grant that is read-only gets no answer here, because who asks this way cannot keep it.
 */
export async function query(
  desk: Desk,
  caller: string,
  print: string | undefined,
  bytes: Uint8Array,
): Promise<Reply> {
  if (!parseName(caller).ok) return { exit: 22, stdout: '', stderr: 'error: the source is no qube\n' };
  try {
    if (print === undefined || !isFingerprint(print)) return invalid(desk, caller, QUERY, 'no fingerprint');
    const folder = parseFolderLine(bytes);
    if (!folder.ok) return invalid(desk, caller, QUERY, folder.why);
    await desk.store.repair();
    const claim = { print, target: caller, folder: folder.value, knowsReadOnly: false };
    const admitted = await admit(desk, claim);
    if (!admitted.ok) return refused(desk, claim, admitted.why);
    const { source, target, access, rule } = admitted.value;
    desk.audit.write({
      event: 'connection',
      source,
      target,
      folder: folder.value,
      access,
      rule: rule.id,
      why: 'the target cannot tell when it ends',
    });
    return { exit: 0, stdout: `${folder.value}\n`, stderr: '' };
  } catch (error) {
    return broken(desk, caller, error);
  }
}

const CLAIM_LINES = 20;

/**
 * A line in the log and the one answer that every refusal gets; of many of one caller only the first have a line, and the powers of ten. `caller`: who connects, or where the target asks, the target. They are counted
 * under a key of their own, for they are no requests, of which the next question tells.
 */
export function refused(
  desk: Desk,
  claim: Claim,
  why: string,
  caller: string = claim.source ?? claim.target,
): Reply {
  const { tell, count } = desk.gate.count(caller, 'claims', CLAIM_LINES);
  if (tell)
    desk.audit.write({
      event: 'refused',
      ...(claim.source === undefined ? {} : { source: claim.source }),
      target: claim.target,
      folder: claim.folder,
      result: 'connection refused',
      why,
      ...(count > 1 ? { count } : {}),
    });
  return { exit: REFUSED, stdout: '', stderr: 'Request refused\n' };
}

const CLAIM = v.strictObject({
  version: v.literal(1),
  source: v.pipe(
    v.string(),
    v.check((text: string) => parseName(text).ok),
  ),
  folder: v.pipe(
    v.string(),
    v.check((text: string) => parseFolder(text).ok),
  ),
  bound: v.exactOptional(v.pipe(v.string(), v.regex(/^[0-9a-f.:-]{1,100}$/))),
});

/** The first line that a target of ours sends to `ninefold.FolderSession+FINGERPRINT`. */
export function parseClaim(text: string): Parsed<{ source: string; folder: string; bound?: string }> {
  try {
    const parsed = v.safeParse(CLAIM, JSON.parse(text));
    return parsed.success ? good(parsed.output) : bad('the claim makes no sense');
  } catch {
    return bad('the claim is no JSON');
  }
}
