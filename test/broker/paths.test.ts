// SPDX-License-Identifier: MIT
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { savedPath } from '../../src/cli/mounts/saved.ts';
import { xdgFolder } from '../../src/cli/xdg.ts';

test('a folder of XDG that is not absolute is passed over: rules must not depend on where a program is started', () => {
  assert.equal(xdgFolder('/state', '/home/me/.local/state'), '/state');
  for (const relative of [undefined, '', 'state', './state', '../state'])
    assert.equal(xdgFolder(relative, '/home/me/.local/state'), '/home/me/.local/state');
  assert.equal(
    savedPath({ HOME: '/home/me', XDG_CONFIG_HOME: 'conf' }),
    '/home/me/.config/ninefold/mounts.json',
  );
});
