// SPDX-License-Identifier: MIT

import * as v from 'valibot';
import type { Answer } from './answer.ts';
import { ASKING, type Asking } from './asking-parts.ts';
import { bad, good, type Parsed } from './parsed.ts';
import type { Request, Rule } from './rule.ts';

/** What a machine may ask of another beside a folder, by the names that Qubes has for it. Nothing else is ever asked about: it is refused. */
export const ASKED_SERVICES = { 'qubes.Filecopy': 'copy', 'qubes.OpenInVM': 'open' } as const;
export type AskedService = keyof typeof ASKED_SERVICES;
export const isAskedService = (name: string): name is AskedService => Object.hasOwn(ASKED_SERVICES, name);

/** Who asks for which service of whom. */
export interface ServiceRequest {
  readonly source: string;
  readonly target: string;
  /** `SERVICE` or `SERVICE+ARGUMENT`. */
  readonly service: string;
}

/** What an asking program gets where no folder is asked for. Its version is another, so that a program which knows folders alone refuses it. */
export interface ServiceQuestion extends Asking {
  readonly version: 2;
  readonly service: 'copy' | 'open';
}
export const SERVICE_QUESTION = v.object({
  ...ASKING,
  version: v.literal(2),
  service: v.picklist(['copy', 'open']),
});

export const ALL_NAMES_NOTE = 'Names of files may have any characters.';

export function serviceQuestionOf(
  request: ServiceRequest,
  service: AskedService,
  how: Pick<Asking, 'patience' | 'refusedMeanwhile' | 'waitingFile'> & { readonly waiting: number },
): ServiceQuestion {
  const { source, target } = request;
  const { patience, refusedMeanwhile, waiting } = how;
  return {
    version: 2,
    service: ASKED_SERVICES[service],
    source,
    target,
    sentence:
      service === 'qubes.Filecopy'
        ? `${source} wants to send files to ${target}; they go into a folder of their own there, and replace nothing.`
        : `${source} wants to have a file opened on ${target}, by the program that is registered for it there.`,
    notes: request.service.endsWith('+allow-all-names') ? [ALL_NAMES_NOTE] : [],
    patience,
    refusedMeanwhile,
    ...(waiting === 0 ? {} : { waiting }),
    ...(how.waitingFile === undefined ? {} : { waitingFile: how.waitingFile }),
  };
}

/** What was answered: yes for this one time; no; or a block, which is a rule. More than that cannot be had here, and is refused. */
export function serviceAnswer(
  request: ServiceRequest,
  answer: Answer,
  facts: { readonly id: string; readonly now: number },
): Parsed<'allow' | 'deny' | Rule> {
  const lasts = answer.lasts ?? (answer.answer === 'block' ? 'always' : 'once');
  if (answer.access !== undefined) return bad('"access" is of folders');
  if (answer.answer === 'block') {
    if (lasts === 'once') return bad('a block for one time is a denial');
    const { source, target } = request;
    const until = lasts === 'until' ? { until: facts.now + (answer.seconds ?? 0) * 1000 } : {};
    return good({
      id: facts.id,
      effect: 'block',
      source,
      target,
      folder: '/',
      access: 'rw',
      lasts,
      origin: 'asked',
      made: facts.now,
      ...until,
    });
  }
  if (lasts !== 'once') return bad('this is answered for one time only');
  return good(answer.answer);
}

/** The request of a folder that only a block can decide: one covers everything between two machines. */
export const blockedBy = ({ source, target }: ServiceRequest): Request => ({
  source,
  target,
  folder: '/',
  access: 'ro',
});
