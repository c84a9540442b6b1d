// SPDX-License-Identifier: MIT

import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { scratch } from '../helpers/places.ts';
import { dependencies, modulesInOrder } from './modules.ts';

const module = (...info: string[]): Buffer => Buffer.from(`\x7fELF…\0${info.join('\0')}\0`);

test('what a module says that it needs', () => {
  assert.deepEqual(dependencies(module('depends=jbd2,mbcache', 'softdep=pre: crc32c post: x')), [
    'crc32c',
    'jbd2',
    'mbcache',
  ]);
  assert.deepEqual(dependencies(module('license=GPL', 'depends=')), []);
});

test('modules come after what they need, each once, whatever folder they lie in', (t) => {
  const dir = scratch(t, 'modules');
  mkdirSync(join(dir, 'fs/ext4'), { recursive: true });
  writeFileSync(join(dir, 'fs/ext4/ext4.ko'), module('depends=jbd2,crc16'));
  writeFileSync(join(dir, 'fs/jbd2.ko'), module('depends=crc16'));
  writeFileSync(join(dir, 'crc16.ko'), module('depends='));
  writeFileSync(join(dir, 'dm-mod.ko'), module('depends='));
  const names = (wanted: string[]): string[] => modulesInOrder(dir, wanted).map((m) => m.name);
  assert.deepEqual(names(['ext4', 'dm_mod', 'jbd2', 'builtin']), ['crc16', 'jbd2', 'ext4', 'dm_mod']);
});
