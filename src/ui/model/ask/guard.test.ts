// SPDX-License-Identifier: MIT
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Guard, KeyPress } from './guard.ts';

const SPACE = 65;

test('nothing before the window came, nor in the second after it', () => {
  const guard = new Guard();
  assert.ok(!guard.isOpen(1e9));
  guard.came(1000);
  assert.deepEqual(
    [1000, 1999, 2000].map((t) => guard.isOpen(t)),
    [false, false, true],
  );
  // To the front again: anew.
  guard.came(5000);
  assert.deepEqual(
    [5999, 6000].map((t) => guard.isOpen(t)),
    [false, true],
  );
});

test('a key that is down while the second runs keeps it shut until it is up', () => {
  const guard = new Guard();
  guard.came(0);
  guard.pressed(SPACE);
  guard.pressed(SPACE);
  assert.ok(!guard.isOpen(60_000));
  guard.released(SPACE);
  assert.ok(guard.isOpen(60_000));
  // Open: keys are for use.
  guard.pressed(SPACE);
  assert.ok(guard.isOpen(60_001));
});

test('a key whose release another window got does not shut it for ever', () => {
  const guard = new Guard();
  guard.came(0);
  guard.pressed(SPACE);
  guard.left();
  guard.came(500);
  assert.ok(!guard.isOpen(1499));
  assert.ok(guard.isOpen(1500));
});

test('a press counts once it is released, and not when the key repeated, or was pressed elsewhere', () => {
  const press = new KeyPress();
  press.pressed(SPACE);
  assert.ok(press.released(SPACE));
  assert.ok(!press.released(SPACE), 'once');
  press.pressed(SPACE);
  press.pressed(SPACE);
  assert.ok(!press.released(SPACE), 'held');
  press.pressed(SPACE);
  press.forget();
  assert.ok(!press.released(SPACE), 'the focus moved meanwhile');
  press.pressed(SPACE);
  assert.ok(!press.released(SPACE + 1), 'another key');
});
