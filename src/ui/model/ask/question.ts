// SPDX-License-Identifier: MIT
// What the dialog needs of the rules: nothing in ui/app reaches past the model.

export type { Answer } from '../../../policy/answer.ts';
export { parseQuestion, type Question } from '../../../policy/asking.ts';
export { ALL_NAMES_NOTE, type ServiceQuestion } from '../../../policy/service-asking.ts';
export { showWhole } from '../../../policy/show.ts';
