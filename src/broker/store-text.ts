// SPDX-License-Identifier: MIT

import type { Sha256 } from '../policy/fingerprint.ts';
import { bad, good, type Parsed } from '../policy/parsed.ts';
import { formatRule, parseRule, type Rule } from '../policy/rule.ts';

const FORMAT = 'ninefold-policy-1';
const SUM = '  "sum": ';

/**
 * The store as text: JSON with one rule a line, and as its last member the SHA-256 of all that stands before it, so that a bit that flipped in a path
 * is damage and no other rule.
 */
export function formatStore(sha256: Sha256, rules: readonly Rule[]): string {
  const lines = rules.map((rule) => `    ${JSON.stringify(formatRule(rule))}`);
  const body = `{\n  "format": "${FORMAT}",\n  "rules": [${lines.length === 0 ? '' : `\n${lines.join(',\n')}\n  `}],\n`;
  return `${body}${SUM}"${sha256(new TextEncoder().encode(body))}"\n}\n`;
}

/** All or nothing: one rule that makes no sense, and none is believed. */
export function parseStore(sha256: Sha256, text: string): Parsed<Rule[]> {
  if (text === '') return bad('it is empty');
  const at = text.lastIndexOf(SUM);
  if (at < 0) return bad('its end is missing');
  const body = text.slice(0, at);
  if (text.slice(at) !== `${SUM}"${sha256(new TextEncoder().encode(body))}"\n}\n`)
    return bad('its check sum is wrong: it was changed by something else than ninefold');
  let json: { format?: unknown; rules?: unknown };
  try {
    json = JSON.parse(text) as typeof json;
  } catch (error) {
    return bad(`it is no JSON (${(error as Error).message})`);
  }
  if (json.format !== FORMAT) return bad(`its format is not ${FORMAT}: it was written by a newer ninefold`);
  if (!Array.isArray(json.rules)) return bad('"rules" is missing');
  const rules: Rule[] = [];
  const ids = new Set<string>();
  for (const [i, entry] of json.rules.entries()) {
    const rule = parseRule(entry);
    // The first rule stands in the fourth line.
    if (!rule.ok) return bad(`line ${i + 4}: ${rule.why}`);
    if (ids.has(rule.value.id)) return bad(`line ${i + 4}: the id ${rule.value.id} is there twice`);
    ids.add(rule.value.id);
    rules.push(rule.value);
  }
  return good(rules);
}
