// SPDX-License-Identifier: MIT

import Adw from 'gi://Adw?version=1';
import Gio from 'gi://Gio?version=2.0';
import GLib from 'gi://GLib?version=2.0';
import { withShown } from '../../model/ask/last.ts';
import {
  type Answer,
  parseQuestion,
  type Question,
  type ServiceQuestion,
  showWhole,
} from '../../model/ask/question.ts';
import { serviceViewOf } from '../../model/ask/service-view.ts';
import { viewOf } from '../../model/ask/view.ts';
import { displayIsThere, NO_DISPLAY } from '../display.ts';
import { useOwnIcons } from '../icons.ts';
import { wordsOfPerson } from '../language.ts';
import { loadLast, readInput, saveLast } from './io.ts';
import { AskWindow } from './window.ts';

/** EX_DATAERR of sysexits.h: what came in is no question. */
const DATA_ERROR = 65;
const DENY: Answer = { version: 1, answer: 'deny' };

/** Puts the question of standard input, writes the answer, and returns the exit status once the window is gone. */
export function main(): number {
  const text = readInput();
  const parsed = parseQuestion(text ?? '');
  if (!parsed.ok) {
    printerr(`ninefold-ask: ${parsed.why}; a broker of the same version writes one to standard input`);
    return DATA_ERROR;
  }
  if (!displayIsThere()) return NO_DISPLAY;
  const question = parsed.value;
  const deadline = deadlineOf(question);
  let answer = DENY;
  if (GLib.get_monotonic_time() / 1000 < deadline) answer = ask(question, deadline);
  print(JSON.stringify(answer));
  return 0;
}

/** Closing the window without an answer is a denial. */
function ask(question: Question | ServiceQuestion, deadline: number): Answer {
  let answer = DENY;
  GLib.set_prgname('ninefold-ask');
  const app = new Adw.Application({
    application_id: 'org.ninefold.Ask',
    flags: Gio.ApplicationFlags.NON_UNIQUE,
  });
  app.connect('activate', () => {
    useOwnIcons();
    const last = loadLast();
    const words = wordsOfPerson();
    const view =
      question.version === 2
        ? serviceViewOf(question, words)
        : viewOf(question, last.get(question.source), words);
    const window = new AskWindow(app, question, view, deadline, (given) => {
      answer = given;
    });
    window.present();
    if (question.version === 1) saveLast(withShown(last, question.source, showWhole(question.folder)));
  });
  const status = app.run([]);
  if (status !== 0) throw new Error(`the application ended with status ${status}`);
  return answer;
}

/**
 * When silence is a refusal, in milliseconds of the steady clock. The broker's patience runs since it started us, and another dialog may have been open meanwhile: the
 * script that starts us tells the time of that in NINEFOLD_ASKED_AT (seconds since 1970).
 */
function deadlineOf(question: Question | ServiceQuestion): number {
  const patience = question.patience * 1000;
  const since = Number(GLib.getenv('NINEFOLD_ASKED_AT') ?? Number.NaN) * 1000;
  const gone = Number.isFinite(since) ? Math.min(Math.max(Date.now() - since, 0), patience) : 0;
  return GLib.get_monotonic_time() / 1000 + patience - gone;
}
