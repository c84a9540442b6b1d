// SPDX-License-Identifier: MIT

import { fingerprint, isFingerprint, type Sha256 } from './fingerprint.ts';
import { parseName } from './name.ts';
import { bad, good, type Parsed } from './parsed.ts';
import { ACCESSES, isAlive, type Rule } from './rule.ts';

export const CONNECT_SERVICE = 'ruddo.ConnectToFolder';

const HEADER = `# The folder grants that are remembered, for qrexec. Written by ninefold from its own list of rules, and written anew with
# each change: see "ninefold policy list", and put rules of your own into another file.
`;

/**
 * The lines of the qrexec policy that the rules call for, sorted and each once: for an allowance that still lasts, one for each access that it gives. Denials have none: what no
 * line allows, the static policy refuses.
 */
export function linesOf(sha256: Sha256, rules: readonly Rule[], now: number): string[] {
  const lines = new Set<string>();
  for (const rule of rules)
    if (rule.effect === 'allow' && isAlive(rule, now))
      for (const access of ACCESSES)
        if (access === 'ro' || rule.access === 'rw')
          lines.add(
            `${CONNECT_SERVICE} +${fingerprint(sha256, rule, access)} ${rule.source} ${rule.target} allow`,
          );
  return [...lines].sort();
}

export const formatPolicy = (lines: readonly string[]): string =>
  HEADER + lines.map((line) => `${line}\n`).join('');

/** The lines of such a file. What is no comment and not a line that `linesOf` writes is named with its number: nothing of another's is ever overwritten. */
export function parsePolicy(text: string): Parsed<string[]> {
  const lines: string[] = [];
  for (const [i, raw] of text.split('\n').entries()) {
    const line = raw.trim().replace(/[ \t]+/g, ' ');
    if (line === '' || line.startsWith('#')) continue;
    const [service, argument = '', source = '', target = '', action, ...more] = line.split(' ');
    const ours =
      service === CONNECT_SERVICE &&
      argument.startsWith('+') &&
      isFingerprint(argument.slice(1)) &&
      parseName(source).ok &&
      parseName(target).ok &&
      action === 'allow' &&
      more.length === 0;
    if (!ours) return bad(`line ${i + 1} is not one that ninefold writes`);
    lines.push(line);
  }
  return good([...new Set(lines)].sort());
}
