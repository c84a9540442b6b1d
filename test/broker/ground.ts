// SPDX-License-Identifier: MIT
// A store in a temporary folder, and a desk around it, with the real locks and files.

import { createHash, randomBytes } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Asked } from '../../src/broker/ask.ts';
import { Audit } from '../../src/broker/audit.ts';
import type { Desk } from '../../src/broker/desk.ts';
import { type StoreFiles, storeFiles } from '../../src/broker/files.ts';
import { Gate } from '../../src/broker/gate.ts';
import { Sessions } from '../../src/broker/sessions.ts';
import { PolicyStore } from '../../src/broker/store.ts';
import { openSys } from '../../src/linux/index.ts';
import type { Answer } from '../../src/policy/answer.ts';
import type { Question } from '../../src/policy/asking.ts';
import type { Rule } from '../../src/policy/rule.ts';

export const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');
export const newId = (): string => randomBytes(4).toString('hex');

export function openStore(
  dir: string,
  files: StoreFiles = storeFiles,
  now = Date.now,
  notes: string[] = [],
): PolicyStore {
  mkdirSync(join(dir, 'policy.d'), { recursive: true });
  mkdirSync(join(dir, 'store'), { recursive: true });
  return new PolicyStore(join(dir, 'store'), join(dir, 'policy.d/79-qubes-shared-folders.policy'), {
    sys: openSys(),
    files,
    sha256,
    now,
    newId,
    note: (line) => notes.push(line),
  });
}

export const rule = (effect: Rule['effect'], folder: string, more: Partial<Rule> = {}): Rule => ({
  id: newId(),
  effect,
  source: 'one',
  target: 'two',
  folder,
  access: 'rw',
  lasts: 'always',
  origin: 'asked',
  made: 0,
  ...more,
});

export interface TestDesk extends Desk {
  /** Milliseconds that have passed beside the real ones. */
  ahead: number;
  readonly questions: Question[];
  /** What the person says to the next ones; default: a denial for this time. */
  answer: (question: Question) => Asked | Promise<Asked>;
}

export const says = (answer: Omit<Answer, 'version'>): Asked => ({
  kind: 'answer',
  answer: { version: 1, ...answer },
});

/** `machines`: those that there are, beside one, two and three. */
export function openDesk(dir: string, machines: Readonly<Record<string, boolean>> = {}): TestDesk {
  const known: Readonly<Record<string, boolean>> = { one: false, two: false, three: false, ...machines };
  const desk = {
    ahead: 0,
    questions: [] as Question[],
    answer: (): Asked => says({ answer: 'deny' }),
  };
  const now = (): number => Date.now() + whole.ahead;
  const store = openStore(dir, storeFiles, now);
  const whole: TestDesk = Object.assign(desk, {
    store,
    audit: new Audit(store.dir, openSys(), now),
    gate: new Gate(join(store.dir, 'asking'), openSys(), now, 5000),
    sessions: new Sessions(join(store.dir, 'sessions'), openSys()),
    sha256,
    patience: 5,
    now,
    newId,
    machine: (name: string) =>
      Promise.resolve({ known: known[name] !== undefined, disposable: known[name] === true }),
    ask: async (question: Question): Promise<Asked> => {
      whole.questions.push(question);
      return whole.answer(question);
    },
  });
  return whole;
}
