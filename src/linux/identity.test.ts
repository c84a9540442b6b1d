// SPDX-License-Identifier: MIT
import assert from 'node:assert/strict';
import { chmodSync, chownSync, lstatSync, readFileSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { cstr, scratch, sys } from '../../test/helpers/linux.ts';
import { EACCES, EINVAL, EPERM } from '../base/errno.ts';
import { O_CREAT, O_EXCL, O_RDONLY, O_RDWR } from '../base/sys.ts';

test('another identity: what it may open, what it makes, and the way back', (t) => {
  if (sys.geteuid() !== 0) return t.skip('changing identity needs root');
  const s = scratch(t);
  chmodSync(s.dir, 0o777);
  writeFileSync(s.path('secret'), 'x', { mode: 0o600 });
  writeFileSync(s.path('group'), 'x', { mode: 0o640 });
  chownSync(s.path('group'), 0, 4242);
  const asOther = (groups: number[]): number[] => {
    assert.equal(sys.setFsIdentity(65534, 65533, groups), 0);
    const opened = ['secret', 'group'].map((n) => sys.openat(s.fd, cstr(n), O_RDONLY, 0));
    const made = sys.openat(s.fd, cstr(`made${groups.length}`), O_RDWR | O_CREAT | O_EXCL, 0o600);
    assert.equal(sys.setFsIdentity(0, 0, []), 0);
    assert.ok(made > 2, `${made}`);
    sys.close(made);
    for (const fd of opened) if (fd >= 0) sys.close(fd);
    return opened.map((fd) => Math.min(fd, 0));
  };
  assert.deepEqual(asOther([]), [-EACCES, -EACCES]);
  assert.deepEqual(asOther([4242]), [-EACCES, 0]);
  assert.deepEqual(asOther(Array.from({ length: 300 }, (_, i) => 4000 + i)), [-EACCES, 0]);
  const st = lstatSync(s.path('made0'));
  assert.deepEqual([st.uid, st.gid], [65534, 65533]);
  const back = sys.openat(s.fd, cstr('secret'), O_RDONLY, 0);
  assert.ok(back > 2);
  sys.close(back);
});

test('only the calling thread changes', (t) => {
  if (sys.geteuid() !== 0) return t.skip('changing identity needs root');
  const fieldOfThreads = (field: string): Set<string> => {
    const ids = new Set<string>();
    for (const id of readThreads()) {
      const status = readFileSync(`/proc/self/task/${id}/status`, 'utf8');
      ids.add(new RegExp(`^${field}:\\s*(.*?)\\s*$`, 'm').exec(status)?.[1] ?? '?');
    }
    return ids;
  };
  const before = fieldOfThreads('Groups');
  assert.equal(sys.setFsIdentity(65534, 65534, [7777]), 0);
  const groups = fieldOfThreads('Groups');
  const uids = fieldOfThreads('Uid');
  sys.setFsIdentity(0, 0, process.getgroups?.() ?? []);
  assert.ok(groups.has('7777') && [...before].some((g) => groups.has(g)), [...groups].join(' | '));
  assert.equal(uids.size, 2, [...uids].join(' | '));
});

function readThreads(): string[] {
  const m = sys.alloc(8192);
  const fd = sys.openat(-100, cstr('/proc/self/task'), O_RDONLY, 0);
  const n = sys.getdents(fd, m, 0, 8192);
  sys.close(fd);
  const names: string[] = [];
  for (let p = 0; p < n; p += m.dv.getUint16(p + 16, true)) {
    const name = Buffer.from(m.u8.subarray(p + 19, m.u8.indexOf(0, p + 19))).toString();
    if (/^\d+$/.test(name)) names.push(name);
  }
  return names;
}

test('a failure is told: too many groups, and no right to change', (t) => {
  assert.equal(sys.setFsIdentity(0, 0, new Array<number>(65_537).fill(1)), -EINVAL);
  if (sys.geteuid() === 0) return t.skip('the other half needs an ordinary user');
  assert.equal(sys.setFsIdentity(0, 0, []), -EPERM);
});

test('effective ids and umask', () => {
  assert.equal(sys.geteuid(), process.geteuid?.());
  assert.equal(sys.getegid(), process.getegid?.());
  const old = sys.umask(0o27);
  assert.equal(sys.umask(old), 0o27);
});
