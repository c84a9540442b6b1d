// SPDX-License-Identifier: MIT
import System from 'system';
import { noticesMain } from '../app/notices-app.ts';

System.exit(noticesMain());
