// SPDX-License-Identifier: MIT
import { unpackerMain } from '../copy/unpacker.ts';

unpackerMain(process.argv.slice(2));
