// SPDX-License-Identifier: MIT
// How two ends of ours find each other, also when one is late or signals come in between.

import assert from 'node:assert/strict';
import { closeSync, openSync, readdirSync, readFileSync, writeFileSync, writeSync } from 'node:fs';
import { test } from 'node:test';
import { LIMITLESS } from '../../test/filecopy/limitless.ts';
import { DIR, END, item, REG } from '../../test/filecopy/wire.ts';
import { scratch, sys } from '../../test/helpers/linux.ts';
import { EINTR, EPROTO, EREMOTEIO, ETIMEDOUT } from '../base/errno.ts';
import type { Sys } from '../base/sys.ts';
import { pipe } from '../linux/descriptors.ts';
import {
  beginning,
  decodeResult,
  GREETING,
  GREETING_SIZE,
  NONCE_SIZE,
  OP_HELLO,
  OP_REPLACE,
  UNPACKER_RULES,
} from '../qfile/index.ts';
import { Receiver, Sender } from './index.ts';

type Dir = ReturnType<typeof scratch>;

const NONCE = Buffer.alloc(NONCE_SIZE, 'nonce');
const GREETED = Buffer.alloc(GREETING_SIZE);
GREETED.writeUInt32LE(GREETING);
GREETED.set(NONCE, GREETING_SIZE - NONCE_SIZE);

interface Pair {
  sender: Sender;
  /** The receiver says so. */
  say(bytes: Uint8Array): void;
  /** All that was sent. */
  sent(): Buffer;
}

/** A sender of the file `f`, and the test as its receiver. */
function sender(t: Parameters<typeof scratch>[0], over: Partial<Sys> = {}, idleMs = 0): Pair & { d: Dir } {
  const d = scratch(t);
  writeFileSync(d.path('f'), 'hello');
  const answer: [number, number] = [-1, -1];
  pipe(answer);
  const writeFd = openSync(d.path('stream'), 'w');
  t.after(() => {
    for (const fd of [...answer, writeFd]) closeSync(fd);
  });
  const options = { readFd: answer[0], writeFd, ignoreSymlinks: false, idleMs };
  const made = new Sender({ ...options, sys: { ...sys, ...over }, progress: () => true, tick: () => {} });
  return {
    d,
    sender: made,
    say: (bytes) => writeSync(answer[1], bytes),
    sent: () => readFileSync(d.path('stream')),
  };
}

const F = Buffer.from('f');

test('after a greeting the sender begins anew with the number that was in it', (t) => {
  const { d, sender: s, say, sent } = sender(t);
  say(GREETED);
  assert.deepEqual(s.negotiate(d.fd, F, 1), { replace: false });
  const hello = sent().length;
  assert.equal(s.send(d.fd, F), undefined);
  say(new Uint8Array(20));
  s.finish();
  const anew = sent().subarray(hello);
  assert.deepEqual(anew.subarray(0, 32), Buffer.from(beginning(NONCE)));
  assert.equal(anew.subarray(32 + 32, 32 + 34).toString(), 'f\0');
});

test('a greeting that comes when nobody waits for it any more is no result, and is told', (t) => {
  for (const when of ['before the data', 'before the end'] as const) {
    const { d, sender: s, say } = sender(t);
    assert.equal(s.negotiate(d.fd, F, 1), undefined);
    if (when === 'before the data') say(GREETED);
    assert.equal(s.send(d.fd, F), undefined);
    if (when === 'before the end') say(GREETED);
    // The receiver waits for us, and does not close.
    assert.deepEqual(s.finish(), { kind: 'late' });
  }
});

test('a signal is not taken for silence, and a receiver that is sure to answer is waited for', (t) => {
  for (const [result, patience] of [
    [-EINTR, 1],
    [0, 0],
  ] as const) {
    let polls = 0;
    const {
      d,
      sender: s,
      say,
    } = sender(t, {
      poll(fds, count, ms) {
        if (ms === 0 || polls > 100) return sys.poll(fds, count, ms);
        if (++polls === 100) say(GREETED);
        return result;
      },
    });
    assert.deepEqual(s.negotiate(d.fd, F, patience), { replace: false });
  }
  const { d, sender: s } = sender(t, { poll: () => 0 }, 1000);
  assert.deepEqual(s.negotiate(d.fd, F, 0), { kind: 'broken', errno: ETIMEDOUT });
});

/** A receiver that may replace, on a stream in a file: nobody has read its greeting. */
function receive(d: Dir, stream: Uint8Array): { error: number; told: number | undefined } {
  writeFileSync(d.path('stream'), stream);
  const fds = [openSync(d.path('stream'), 'r'), openSync(d.path('answer'), 'w')] as const;
  const { error } = new Receiver({
    // A failed receiver closes its input itself.
    sys: { ...sys, close: (fd) => (fd === fds[0] ? 0 : sys.close(fd)) },
    readFd: fds[0],
    writeFd: fds[1],
    rootFd: d.fd,
    rules: UNPACKER_RULES,
    ...LIMITLESS,
    conflicts: { replace: true },
  }).run();
  for (const fd of fds) closeSync(fd);
  return { error, told: decodeResult(readFileSync(d.path('answer')).subarray(GREETING_SIZE))?.error };
}

test('bytes of a file are no headers: what a sender that did not hear the greeting goes on with creates and replaces nothing', (t) => {
  const crafted = [item('.bashrc', REG, 'x'), item('.ssh', DIR), item('mine', REG | (OP_REPLACE << 16), 'x')];
  for (const [first, rest, error] of [
    [item('photo', REG | (OP_HELLO << 16), '', { filelen: 200 }), [...crafted, END], EPROTO],
    [item('d', DIR | (OP_HELLO << 16)), [item('d/f', REG, 'x'), item('d', DIR), END], EPROTO],
    [item('d', DIR | (OP_HELLO << 16)), [END], EPROTO],
    // The number is another each time.
    [item('d', DIR | (OP_HELLO << 16)), [beginning(NONCE), ...crafted, END], EPROTO],
    [item('f', REG | (OP_HELLO << 16), '', { filelen: 5 }), [Buffer.from('hello')], EREMOTEIO],
  ] as const) {
    const d = scratch(t);
    writeFileSync(d.path('mine'), 'mine');
    assert.deepEqual(receive(d, Buffer.concat([first, ...rest])), { error, told: error });
    assert.deepEqual(readdirSync(d.dir).sort(), ['answer', 'mine', 'stream']);
    assert.equal(readFileSync(d.path('mine'), 'utf8'), 'mine');
  }
});
