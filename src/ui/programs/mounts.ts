// SPDX-License-Identifier: MIT
import System from 'system';
import { mountsMain } from '../app/mounts-app.ts';

System.exit(mountsMain());
