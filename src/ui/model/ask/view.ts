// SPDX-License-Identifier: MIT

import type { Question } from '../../../policy/asking.ts';
import type { Asking } from '../../../policy/asking-parts.ts';
import type { Access } from '../../../policy/rule.ts';
import type { Words } from '../words.ts';
import { isOffered, TERMS, type Term } from './answer.ts';
import { notesOf } from './notes.ts';
import { type Piece, piecesOf } from './path.ts';

/** One of several that can be chosen. */
export interface Option<T> {
  readonly value: T;
  readonly label: string;
  readonly enabled: boolean;
}

/** All that the dialog shows, in words: plain text, to be set as text and never as markup. */
export interface View {
  readonly title: string;
  readonly heading: string;
  readonly who: { readonly label: string; readonly value: string };
  readonly whose: { readonly label: string; readonly value: string };
  /** What else is to be said of what is asked for. */
  readonly lead: readonly string[];
  /** Of a folder; nothing else has it, nor a choice of access and term. */
  readonly which?: { readonly label: string; readonly pieces: readonly Piece[] };
  /** What the marks mean; undefined where nothing is to be said. */
  readonly legend: string | undefined;
  readonly notes: readonly string[];
  readonly access?: {
    readonly label: string;
    readonly options: readonly Option<Access>[];
    readonly reason?: string;
  };
  readonly term?: {
    readonly label: string;
    readonly options: readonly Option<Term>[];
    readonly reason?: string;
  };
  readonly buttons: {
    readonly deny: string;
    readonly allow: string;
    /** undefined: nothing is kept but a block. */
    readonly never?: string;
    readonly block: string;
  };
  /** What a button that keeps something will keep. */
  readonly hints: { readonly allow: string; readonly never?: string; readonly block: string };
  /** The line above the buttons: the seconds left, how many questions wait, and whether not all of this one has been on the screen. */
  status(seconds: number, waiting: number, seen: boolean): string;
}

/** Of a question about a folder: nothing is missing. */
export type FolderView = View & Required<Pick<View, 'which' | 'access' | 'term'>>;

/** `last`: the path that was shown for the same source before, as `showWhole` has it. */
export function viewOf(question: Question, last: string | undefined, words: Words): FolderView {
  const { t } = words;
  const { source, target } = question;
  const pieces = piecesOf(question.folder, last);
  const rw = question.access === 'rw';
  const disposable = !TERMS.every((term) => isOffered(question, term));
  return {
    title: t('Folder access'),
    heading: t('“{source}” asks for a folder of “{target}”', { source, target }),
    who: { label: t('Who asks'), value: source },
    whose: { label: t('Whose folder'), value: target },
    lead: [],
    which: { label: t('Which folder, with all below it'), pieces },
    legend: legendOf(question, pieces, last, words),
    notes: notesOf(question, words),
    access: {
      label: t('May do'),
      options: [
        { value: 'ro', label: t('Read only'), enabled: true },
        { value: 'rw', label: t('Read, change and delete'), enabled: rw },
      ],
      ...(rw ? {} : { reason: t('Reading is all that was asked for.') }),
    },
    term: {
      label: t('How long'),
      options: TERMS.map((term) => ({
        value: term,
        label: termLabel(term, words),
        enabled: isOffered(question, term),
      })),
      ...(disposable
        ? {
            reason: t(
              'Once only: a disposable takes part. It is gone before a lasting permission, and the next one may get its name.',
            ),
          }
        : {}),
    },
    buttons: {
      deny: t('Deny'),
      allow: t('Allow'),
      never: t('Deny and remember'),
      block: t('Block {source}', { source }),
    },
    hints: {
      allow: t('Possible after a second, and when no key is held down.'),
      never: t('Refuses this folder and all below it to {source}, until you change that.', { source }),
      block: blockHint(question, words),
    },
    status: statusIn(words),
  };
}

export const blockHint = ({ source, target }: Asking, { t }: Words): string =>
  t('Refuses everything that {source} asks of {target}, until you change that.', { source, target });

export const statusIn =
  (words: Words): View['status'] =>
  (seconds, waiting, seen) =>
    [
      words.n('Refused in one second', 'Refused in {count} seconds', seconds),
      ...(waiting > 0 ? [words.n('one more question waits', '{count} more questions wait', waiting)] : []),
      ...(seen ? [] : [words.t('scroll to the end (Page Down) to allow')]),
    ].join(' · ');

function termLabel(term: Term, { t }: Words): string {
  switch (term) {
    case 'once':
      return t('Once');
    case 'hour':
      return t('For an hour');
    case 'tomorrow':
      return t('Until tomorrow (midnight)');
    case 'always':
      return t('Always');
  }
}

function legendOf(
  question: Question,
  pieces: readonly Piece[],
  last: string | undefined,
  { t }: Words,
): string | undefined {
  const { source } = question;
  if (last === undefined) return undefined;
  if (pieces.some((p) => p.changed))
    return t('Underlined: not the same as the last folder that {source} asked for.', { source });
  const same = pieces.map((p) => p.text).join('') === last;
  return same
    ? t('The same folder that {source} asked for last.', { source })
    : t('Not the last folder that {source} asked for: that one was longer.', { source });
}
