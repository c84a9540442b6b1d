// SPDX-License-Identifier: MIT

import type { Question } from '../../../policy/asking.ts';
import { ALL_NAMES_NOTE, type ServiceQuestion } from '../../../policy/service-asking.ts';
import { hasRightToLeft, RIGHT_TO_LEFT_NOTE, showText } from '../../../policy/show.ts';
import type { Words } from '../words.ts';

/** A note longer than this was not written by the broker. Characters. */
const NOTE_MAX = 500;

/** What the person should know: all that the question says, in the person's language, and what the dialog itself sees. */
export function notesOf(question: Question | ServiceQuestion, words: Words): string[] {
  const notes = question.notes.flatMap((note) => {
    // Here nothing is left out.
    if (/^The path is long: [0-9]+ characters in its middle are not shown\.$/.test(note)) return [];
    return [translated(note, words)];
  });
  // An older broker does not say so.
  const said = question.notes.includes(RIGHT_TO_LEFT_NOTE);
  if (question.version === 1 && !said && hasRightToLeft(question.folder))
    notes.push(translated(RIGHT_TO_LEFT_NOTE, words));
  if (question.refusedMeanwhile > 0)
    notes.push(
      words.n(
        'One more request of {source} was refused without asking.',
        '{count} more requests of {source} were refused without asking.',
        question.refusedMeanwhile,
        { source: question.source },
      ),
    );
  return notes;
}

/** The broker's sentences are English; those that it is known to say have a translation. Any other is shown as it is, as text that hides nothing. */
function translated(note: string, words: Words): string {
  const { t } = words;
  const foreign = /^It has ([A-Za-z ]+) letters, some of which look like Latin ones\.$/.exec(note)?.[1];
  if (foreign !== undefined) {
    const names = foreign.split(' and ').map((name) => alphabet(name, words));
    return t('It has {alphabets} letters, some of which look like Latin ones.', {
      alphabets: names.join(t(' and ')),
    });
  }
  switch (note) {
    case ALL_NAMES_NOTE:
      return t('Names of files may have any characters.');
    case 'It has unusual characters; they are shown as \\u{…}.':
      return t('It has unusual characters; they are shown as \\u{…}.');
    case RIGHT_TO_LEFT_NOTE:
      return t('It has letters that are written from right to left.');
    case 'A name in it begins or ends with a blank.':
      return t('A name in it begins or ends with a blank.');
    case 'There is no such folder now, or it is reached by a symbolic link.':
      return t('There is no such folder now, or it is reached by a symbolic link.');
    default:
      return showText(note.slice(0, NOTE_MAX));
  }
}

function alphabet(name: string, { t }: Words): string {
  const names: Readonly<Record<string, string>> = {
    Greek: t('Greek'),
    Cyrillic: t('Cyrillic'),
    Armenian: t('Armenian'),
    Cherokee: t('Cherokee'),
    Georgian: t('Georgian'),
    Coptic: t('Coptic'),
    Lisu: t('Lisu'),
  };
  return names[name] ?? name;
}
