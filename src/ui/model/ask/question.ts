// SPDX-License-Identifier: MIT
// What the dialog needs of the rules: nothing in ui/app reaches past the model.

export { type Answer, parseQuestion, type Question } from '../../../policy/asking.ts';
export { showWhole } from '../../../policy/show.ts';
