// SPDX-License-Identifier: MIT
import { editorMain } from '../open/vm-file-editor.ts';

editorMain();
