// SPDX-License-Identifier: MIT

import type { ServiceQuestion } from '../../../policy/service-asking.ts';
import type { Words } from '../words.ts';
import { notesOf } from './notes.ts';
import { blockHint, statusIn, type View } from './view.ts';

/** What the dialog shows where files are to be sent or one is to be opened: who, whom, and what comes of it; yes is for this time. */
export function serviceViewOf(question: ServiceQuestion, words: Words): View {
  const { t } = words;
  const { source, target } = question;
  const copy = question.service === 'copy';
  return {
    title: copy ? t('Files from another machine') : t('A file to open'),
    heading: copy
      ? t('“{source}” wants to send files to “{target}”', { source, target })
      : t('“{source}” wants to have a file opened on “{target}”', { source, target }),
    who: { label: copy ? t('Who sends') : t('Who asks'), value: source },
    whose: { label: copy ? t('Who gets them') : t('Where it is opened'), value: target },
    lead: copy
      ? [t('They go into a folder of their own there, and replace nothing.')]
      : [
          t('It is opened by the program that is registered for it there.'),
          t('If it is changed there, it goes back to {source}.', { source }),
        ],
    legend: undefined,
    notes: notesOf(question, words),
    buttons: { deny: t('Deny'), allow: t('Allow this time'), block: t('Block {source}', { source }) },
    hints: {
      allow: t('Possible after a second, and when no key is held down.'),
      block: blockHint(question, words),
    },
    status: statusIn(words),
  };
}
