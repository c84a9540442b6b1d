// SPDX-License-Identifier: MIT
import { qvmMountFolderMain } from '../folder/qvm-mount-folder.ts';

qvmMountFolderMain(process.argv.slice(2));
