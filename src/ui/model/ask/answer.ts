// SPDX-License-Identifier: MIT

import type { Answer } from '../../../policy/answer.ts';
import type { Question } from '../../../policy/asking.ts';
import type { Access } from '../../../policy/rule.ts';
import type { ServiceQuestion } from '../../../policy/service-asking.ts';

/** How long, as the dialog offers it. */
export type Term = 'once' | 'hour' | 'tomorrow' | 'always';
export const TERMS: readonly Term[] = ['once', 'hour', 'tomorrow', 'always'];

/** What a person may choose in the dialog. */
export type Choice =
  | { readonly kind: 'allow'; readonly access: Access; readonly term: Term }
  | { readonly kind: 'deny' }
  | { readonly kind: 'deny-always' }
  | { readonly kind: 'block' };

const HOUR_S = 3600;

/** May that be answered to this question? */
export function isOffered(question: Pick<Question, 'lasts'>, term: Term): boolean {
  return question.lasts.includes(term === 'hour' || term === 'tomorrow' ? 'until' : term);
}

/** Midnight, by the clock on the wall. */
export function tomorrow(now: Date): Date {
  return new Date(now.getFullYear(), now.getMonth(), now.getDate() + 1);
}

/**
 * The answer that a choice is. What the question does not offer becomes the least that was meant: reading alone where that was asked for, and a denial where the time is not
 * offered. (The window does not let it be chosen; this holds if it did.)
 */
export function answerOf(
  question: Pick<Question, 'version' | 'lasts' | 'access'> | Pick<ServiceQuestion, 'version'>,
  choice: Choice,
  now: Date,
): Answer {
  if (choice.kind === 'block') return { version: 1, answer: 'block' };
  if (question.version === 2) return { version: 1, answer: choice.kind === 'allow' ? 'allow' : 'deny' };
  if (choice.kind === 'deny-always') return { version: 1, answer: 'deny', lasts: 'always' };
  if (choice.kind === 'deny' || !isOffered(question, choice.term)) return { version: 1, answer: 'deny' };
  const access: Access = question.access === 'ro' ? 'ro' : choice.access;
  const allow = { version: 1, answer: 'allow', access } as const;
  if (choice.term === 'once' || choice.term === 'always') return { ...allow, lasts: choice.term };
  const seconds =
    choice.term === 'hour'
      ? HOUR_S
      : Math.max(1, Math.ceil((tomorrow(now).getTime() - now.getTime()) / 1000));
  return { ...allow, lasts: 'until', seconds };
}
