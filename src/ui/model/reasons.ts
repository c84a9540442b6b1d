// SPDX-License-Identifier: MIT
// The log gives its reasons as sentences in English, so that it can be read by itself. Here they are known again, and said in the person's language.

import { fill, moment, shown, type Translate } from './manager-words.ts';

/** Marks a text for the translators; it is looked up when it is shown. */
const N_ = (text: string): string => text;

/** What can stand in a place of a sentence. None of the narrow ones can hold a part of another. */
const KINDS = {
  name: '[A-Za-z][A-Za-z0-9._-]{0,62}',
  number: '[0-9]{1,16}',
  id: '[0-9a-f]{8}',
  /** UTC. */
  date: '[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2}:[0-9]{2}',
  folder: '/.*',
  any: '.*',
  alphabets: '[A-Z][a-z]+(?: and [A-Z][a-z]+)*',
} as const;
type Kind = keyof typeof KINDS;

/** A sentence with places `{0}`, and what can stand in each: one of the kinds, or another sentence. */
type Sentence = readonly [text: string, ...places: readonly (Kind | readonly Sentence[])[]];

/** Of `alphabets` the one that is in no other list. */
N_('Latin');

const LASTS: readonly Sentence[] = [
  [N_('always')],
  [N_('until {0}'), 'date'],
  [N_('once, until {0}'), 'date'],
];
const ORIGINS: readonly Sentence[] = [
  [N_('a person was asked')],
  [N_('a command')],
  [N_('taken over from the original program')],
];
const RULE_ORIGIN: readonly Sentence[] = [[N_('rule {0}, {1}, {2}'), 'id', 'date', ORIGINS]];
const RULES: readonly Sentence[] = [
  [N_('everything that {0} asks of {1} is blocked, {2} ({3})'), 'name', 'name', LASTS, RULE_ORIGIN],
  [N_('{0} is denied {1} on {2}, {3} ({4})'), 'name', 'folder', 'name', LASTS, RULE_ORIGIN],
  [N_('{0} may read only {1} on {2}, {3} ({4})'), 'name', 'folder', 'name', LASTS, RULE_ORIGIN],
  [N_('{0} may read and write {1} on {2}, {3} ({4})'), 'name', 'folder', 'name', LASTS, RULE_ORIGIN],
];

/** What is wrong with a name, a folder, or the text of a request. */
const FAULTS: readonly Sentence[] = [
  [N_('the name is empty')],
  [N_('a name has at most {0} characters'), 'number'],
  [N_('a name begins with a letter and has letters, digits, ".", "_" and "-" only')],
  [N_('the machine that decides shares nothing')],
  [N_('that name is kept for the system')],
  [N_('the path is empty')],
  [N_('the path is not absolute')],
  [N_('the path is not UTF-8')],
  [N_('the path has more than {0} bytes'), 'number'],
  [N_('the path has an empty part: two slashes, or one at its end')],
  [N_('the path has a part "{0}"'), 'any'],
  [N_('a part of the path has more than {0} bytes'), 'number'],
  [N_('the path has a character that is not shown')],
  [N_('the path has a blank that is not the ordinary one')],
  [N_('the path has a character that looks like a slash or a full stop')],
  [N_('the path has a word that mixes {0} letters'), 'alphabets'],
  [N_('the request has more than {0} bytes'), 'number'],
  [N_('the request has characters outside of ASCII')],
  [N_('a line is missing')],
  [N_('there are too many lines')],
  [N_('the third line makes no sense')],
  [N_('it is no base64')],
  [N_('it is no base64 (bits are left over)')],
  [N_('it is no UTF-8')],
  [N_('no fingerprint')],
  [N_('the claim makes no sense')],
  [N_('the claim is no JSON')],
  [N_('a qube asks for a folder of its own')],
  [N_('it did not come to its end in time')],
];

const SENTENCES: readonly Sentence[] = [
  // Why a session has ended.
  [N_('the client closed it')],
  [N_('the target closed it')],
  [N_('its keeper was ended')],
  [N_('the broker was ended')],
  [N_('its grant was revoked')],
  [N_('it was granted until {0}'), 'date'],
  [N_('it is denied now')],
  [N_('it is blocked now')],
  [N_('it is denied now (rule {0})'), 'id'],
  [N_('it is blocked now (rule {0})'), 'id'],
  [N_('the list of rules is damaged')],
  [N_('the server ended with status {0}'), 'number'],
  [N_('the server ended with status {0}: {1}'), 'number', 'any'],
  [N_('its machine cannot be reached: {0}'), 'any'],
  [N_('it cannot be looked whether it may go on: {0}'), 'any'],
  [N_('{0} in it is denied now'), 'folder'],
  [N_('its machine has no agent')],
  [N_('the caller had gone before the answer')],
  [N_('the target said more than it has to say')],
  [N_('the target cannot tell when it ends')],
  // Why somebody was refused.
  [N_('this target has no such grant for this folder')],
  [N_('it was granted to {0}'), 'name'],
  [N_('it is read only, which the target cannot do')],
  [N_('another folder has taken the place of the one that was granted')],
  [N_('a rule for a deeper folder, or a block, refuses it')],
  [N_('folders inside it are denied, which the target cannot keep out')],
  [N_('{0} folders inside it are denied, which are too many'), 'number'],
  [N_('there is no such machine')],
  // What the rules about calls said.
  [N_('the policy allows it: {0}'), 'any'],
  [N_('denied by {0}'), 'any'],
  [N_('no rule is about it')],
  [N_('no machine is named, or none of that name is known')],
  [N_('there are no disposables')],
  [N_('it asks itself')],
  [N_('cannot use the policy {0}'), 'any'],
  [N_('a question of this qube is open already')],
  [N_('it was refused just now and is to wait')],
  [N_('the questions of other qubes took too long')],
  [N_('so many requests were refused unasked since the last question')],
  [N_('nobody answered within {0} s'), 'number'],
  [N_('a person said no, for this time')],
  [N_('a person said yes, for this time')],
  // What was wrong with the answer.
  [N_('the answer is too long')],
  [N_('the answer is no JSON')],
  [N_('the answer is wrong: {0}'), 'any'],
  [N_('the answer is wrong at "{0}": {1}'), 'name', 'any'],
  [N_('"seconds" belongs to "until", and it to that')],
  [N_('"access" belongs to an allowance')],
  [N_('"access" is of folders')],
  [N_('this is answered for one time only')],
  [N_('a block for one time is a denial')],
  [N_('a disposable is gone before a lasting grant, and the next one may get its name')],
  [N_('more is granted than was asked for')],
  [N_('the asking program ended with {0}'), 'name'],
  [N_('the asking program ended with status {0}'), 'number'],
  [N_('the asking program ended with {0}: {1}'), 'name', 'any'],
  [N_('the asking program ended with status {0}: {1}'), 'number', 'any'],
  // What was changed.
  [N_('put as it is: {0}'), RULES],
  [N_('taken away: {0}'), RULES],
  [N_('the version before the last change is back')],
  ...RULES,
  ...FAULTS,
  [N_('the name is missing')],
  [N_('the path is missing')],
  [N_('the name: {0}'), FAULTS],
  [N_('the path: {0}'), FAULTS],
  [N_('{0} cannot be run: {1}'), 'any', 'any'],
];

/** A service's name in front of what it found wrong. */
const SERVICE = /^([A-Za-z]{1,40}): (.*)$/s;

interface Known {
  readonly pattern: RegExp;
  readonly sentence: Sentence;
}

const knownOf = (list: readonly Sentence[]): Known[] =>
  list.map((sentence) => ({ sentence, pattern: new RegExp(`^${patternOf(sentence)}(?![\\s\\S])`, 's') }));

function patternOf([text, ...places]: Sentence): string {
  return text
    .split(/(\{[0-9]\})/)
    .map((part) => {
      if (!/^\{[0-9]\}$/.test(part)) return part.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&');
      const place = places[Number(part[1])] ?? 'any';
      return typeof place === 'string' ? `(${KINDS[place]})` : `(${place.map(inner).join('|')})`;
    })
    .join('');
}

/** As a part of another, without groups of its own. */
const inner = (sentence: Sentence): string => patternOf(sentence).replace(/(?<!\\)\((?!\?)/g, '(?:');

const KNOWN = new Map<readonly Sentence[], Known[]>();
function known(list: readonly Sentence[]): Known[] {
  const found = KNOWN.get(list) ?? knownOf(list);
  KNOWN.set(list, found);
  return found;
}

/** The sentence in the person's language; undefined: it is none of ours. */
function said(text: string, list: readonly Sentence[], _: Translate): string | undefined {
  for (const { pattern, sentence } of known(list)) {
    const found = pattern.exec(text);
    if (found === null) continue;
    const [words, ...places] = sentence;
    return fill(_(words), ...places.map((place, i) => placed(found[i + 1] ?? '', place, _)));
  }
  return undefined;
}

function placed(text: string, place: Kind | readonly Sentence[], _: Translate): string {
  if (typeof place !== 'string') return said(text, place, _) ?? shown(text);
  if (place === 'date') return moment(Date.parse(`${text.replace(' ', 'T')}Z`));
  if (place === 'alphabets')
    return text
      .split(' and ')
      .map((name) => _(name))
      .join(_(' and '));
  return shown(text);
}

/** A reason as a person reads it, whatever it is: in their language if it is one that we give, times in their zone. */
export function reasonWords(reason: unknown, _: Translate): string {
  if (typeof reason !== 'string') return '';
  const whole = said(reason, SENTENCES, _);
  if (whole !== undefined) return whole;
  const [, service = '', rest = ''] = SERVICE.exec(reason) ?? [];
  const inside = service === '' ? undefined : said(rest, SENTENCES, _);
  return inside === undefined ? shown(reason) : `${service}: ${inside}`;
}
