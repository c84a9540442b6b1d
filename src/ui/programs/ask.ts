// SPDX-License-Identifier: MIT
import System from 'system';
import { main } from '../app/ask/main.ts';

System.exit(main());
