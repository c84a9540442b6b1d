// SPDX-License-Identifier: MIT
import System from 'system';
import { managerMain } from '../app/manager-app.ts';

System.exit(managerMain(System.programArgs));
