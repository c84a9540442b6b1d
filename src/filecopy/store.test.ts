// SPDX-License-Identifier: MIT

import assert from 'node:assert/strict';
import { readdirSync, readFileSync, readlinkSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { LIMITLESS } from '../../test/filecopy/limitless.ts';
import { scratch, sys } from '../../test/helpers/linux.ts';
import { EEXIST, EOPNOTSUPP } from '../base/errno.ts';
import type { Mem } from '../base/mem.ts';
import { O_TMPFILE, type Sys } from '../base/sys.ts';
import { Header } from '../qfile/index.ts';
import { NewFile, Store } from './store.ts';

const text = (name: Mem): string => Buffer.from(name.u8.subarray(0, name.u8.indexOf(0))).toString();
const named = (name: string): Mem => {
  const mem = sys.alloc(256);
  mem.cstring(name);
  return mem;
};

/** A `Sys` in which the first temporary name of each kind is taken, and the names that were tried. */
function taken(nameless: boolean): { over: Partial<Sys>; tried: string[] } {
  const tried: string[] = [];
  const note = (name: Mem, make: () => number): number => {
    if (!text(name).startsWith('.ninefold-')) return make();
    tried.push(text(name));
    return tried.length === 1 ? -EEXIST : make();
  };
  const over: Partial<Sys> = {
    symlinkat: (target, dir, name) => note(name, () => sys.symlinkat(target, dir, name)),
    linkFd: (fd, dir, name) => note(name, () => sys.linkFd(fd, dir, name)),
    openat: (dir, name, flags, mode) =>
      (flags & O_TMPFILE) === O_TMPFILE && !nameless
        ? -EOPNOTSUPP
        : note(name, () => sys.openat(dir, name, flags, mode)),
  };
  return { over, tried };
}

test('a temporary name that is taken is none for a link, a file that replaces, one without O_TMPFILE', (t) => {
  const owns = new Set<string>();
  for (const kind of ['link', 'replace', 'named'] as const) {
    const d = scratch(t);
    writeFileSync(d.path('there'), 'old');
    const { over, tried } = taken(kind !== 'named');
    const store = new Store({ sys: { ...sys, ...over }, writeFd: -1, rootFd: d.fd, ...LIMITLESS });
    const there = named('there');
    if (kind === 'link') {
      assert.equal(store.link(named('target'), d.fd, there, true), 0);
      assert.equal(readlinkSync(d.path('there')), 'target');
    } else {
      const file = new NewFile(d.fd);
      assert.equal(store.create(file, 0o644), 0);
      assert.equal(store.publish(file, there, new Header(), true), 0);
      store.release(file);
      assert.equal(readFileSync(d.path('there'), 'utf8'), '');
    }
    assert.deepEqual(readdirSync(d.dir), ['there']);
    assert.equal(new Set(tried).size, 2);
    owns.add(tried[0] ?? '');
  }
  // In a sandbox all have the same process id: that is not what tells them apart.
  assert.equal(owns.size, 3);
});
