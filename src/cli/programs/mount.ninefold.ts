// SPDX-License-Identifier: MIT
import { mountHelperMain } from '../folder/mount-helper.ts';

mountHelperMain(process.argv.slice(2));
