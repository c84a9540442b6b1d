// SPDX-License-Identifier: MIT

import type { Translate } from '../model/manager-words.ts';

export const _: Translate = (text) => text;
