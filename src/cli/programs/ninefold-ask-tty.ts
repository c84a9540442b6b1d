// SPDX-License-Identifier: MIT
import { askTtyMain } from '../policy/ask-tty.ts';

askTtyMain();
