// SPDX-License-Identifier: MIT

import type { Translate } from '../model/manager-words.ts';
import { wordsOfPerson } from './language.ts';

const words = wordsOfPerson();

/** In the person's language. */
export const _: Translate = (text) => words.t(text);
