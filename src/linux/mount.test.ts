// SPDX-License-Identifier: MIT
import assert from 'node:assert/strict';
import { chownSync, existsSync, mkdirSync, readFileSync, symlinkSync } from 'node:fs';
import { test } from 'node:test';
import { inChild, NOBODY, scratch, sys } from '../../test/helpers/linux.ts';
import { EINVAL, ENODEV, ENOENT, EPERM } from '../base/errno.ts';
import {
  MNT_DETACH,
  MOUNT_WORDS,
  MS_NODEV,
  MS_NOSUID,
  MS_NOSYMFOLLOW,
  mount,
  openFuse,
  UMOUNT_NOFOLLOW,
  umount,
} from './mount.ts';

const root = sys.geteuid() === 0;
const HELPER = ['/usr/bin/fusermount3', '/bin/fusermount3'].find((p) => existsSync(p));

/**
 * An ordinary user who may open /dev/fuse, as distributions have it: in a mount namespace of its own, which goes with its last process, the
 * device is covered by a node that everyone may use.
 */
const AS_USER_WITH_FUSE = [
  ...['unshare', '--mount', '--propagation', 'private', 'sh', '-ec'],
  `d=$(mktemp -d); mount -t tmpfs -o mode=755 fuse-node $d; mknod -m 666 $d/fuse c 10 229
   mount --bind $d/fuse /dev/fuse; umount -l $d; rmdir $d
   exec setpriv --reuid=65534 --regid=65534 --clear-groups "$@"`,
  'sh',
];

function line(path: string): string | undefined {
  return readFileSync('/proc/self/mountinfo', 'utf8')
    .split('\n')
    .find((l) => l.split(' ')[4] === path);
}

test('mount and umount, with flags that the kernel then shows', (t) => {
  if (!root) return t.skip('mount(2) needs root');
  const s = scratch(t);
  mkdirSync(s.path('m'));
  const r = mount(
    'ninefold-test',
    s.path('m'),
    'tmpfs',
    MS_NOSUID | MS_NODEV | MS_NOSYMFOLLOW,
    'size=1m,mode=700',
  );
  if (r === -EPERM) return t.skip('needs CAP_SYS_ADMIN');
  assert.equal(r, 0);
  t.after(() => umount(s.path('m'), MNT_DETACH));
  assert.match(
    line(s.path('m')) ?? '',
    /nosuid,nodev.*nosymfollow.* - tmpfs ninefold-test .*size=1024k,mode=700/,
  );
  symlinkSync('m', s.path('l'));
  assert.equal(umount(s.path('l'), UMOUNT_NOFOLLOW), -EINVAL);
  assert.equal(umount(s.path('m'), 0), 0);
  assert.equal(line(s.path('m')), undefined);
  assert.equal(umount(s.path('m'), 0), -EINVAL);
  assert.equal(mount('x', s.path('none'), 'tmpfs', 0, ''), -ENOENT);
  assert.equal(mount('x', s.path('m'), 'nosuchfs', 0, ''), -ENODEV);
});

test('a FUSE connection mounted on the very folder that was opened', (t) => {
  if (!root) return t.skip('mount(2) needs root');
  const s = scratch(t);
  mkdirSync(s.path('m'));
  const fuse = openFuse();
  if (fuse < 0) return t.skip(`needs /dev/fuse (errno ${-fuse})`);
  const target = s.open('m', 0o10000000);
  const data = `fd=${fuse},rootmode=40000,user_id=0,group_id=0`;
  const r = mount('ninefold-test', `/proc/self/fd/${target}`, 'fuse.ninefold', MS_NOSUID | MS_NODEV, data);
  t.after(() => {
    umount(s.path('m'), MNT_DETACH);
    sys.close(fuse);
  });
  assert.equal(r, 0);
  assert.match(line(s.path('m')) ?? '', / - fuse\.ninefold ninefold-test /);
  const m = sys.alloc(8192);
  // FUSE_INIT waits to be read: length, opcode 26.
  assert.ok(sys.read(fuse, m, 0, 8192) >= 56);
  assert.equal(m.dv.getUint32(4, true), 26);
  assert.equal(umount(s.path('m'), MNT_DETACH), 0);
});

test('an ordinary user mounts through fusermount3, and hears why when it cannot', (t) => {
  if (HELPER === undefined) return t.skip('needs fusermount3 (package fuse3)');
  if (!existsSync('/dev/fuse')) return t.skip('needs /dev/fuse');
  const s = scratch(t);
  mkdirSync(s.path('m'));
  if (root) chownSync(s.path('m'), NOBODY.uid, NOBODY.gid);
  const seen = inChild(
    `import { readFileSync } from 'node:fs';
     const { fusermountMount, fusermountUnmount } = await import(modules + 'fusermount.js');
     const [helper, dir] = ${JSON.stringify([HELPER, s.dir])};
     const mounted = () => readFileSync('/proc/self/mountinfo', 'utf8').split('\\n').find((l) => l.includes(' ' + dir + '/m '));
     const made = await fusermountMount(helper, dir + '/m', ['fsname=a\\\\,b', 'subtype=ninefold', 'ro']);
     const line = mounted();
     const undone = await fusermountUnmount(helper, dir + '/m', true);
     console.log(JSON.stringify({
       fd: made.fd > 2, keep: made.keepFd, line, undone: undone ?? null, after: mounted() ?? null,
       missing: await fusermountMount(helper, dir + '/none', []),
       option: await fusermountMount(helper, dir + '/m', ['nonsense']),
       helper: await fusermountMount('/nonexistent', dir + '/m', []),
       again: await fusermountUnmount(helper, dir + '/m', false),
     }));`,
    root ? { via: AS_USER_WITH_FUSE, env: { PATH: '/usr/bin:/bin:/usr/sbin:/sbin' } } : {},
  ) as Record<string, { why: string; errno: number }> & { line: string };
  if (/open \/dev\/fuse/.test(seen.missing?.why ?? ''))
    return t.skip('ordinary users may not open /dev/fuse here');
  assert.equal(seen.fd, true, JSON.stringify(seen));
  assert.equal(seen.keep, -1);
  assert.match(seen.line, /ro,nosuid,nodev.* - fuse\.ninefold a,b /);
  assert.equal(seen.undone, null);
  assert.equal(seen.after, null);
  assert.match(seen.missing?.why ?? '', /none/);
  assert.match(seen.option?.why ?? '', /nonsense/);
  assert.equal(seen.helper?.errno, -2);
  assert.notEqual(seen.again?.why, undefined);
});

test('words of mount(8)', () => {
  assert.deepEqual(MOUNT_WORDS.get('ro'), [1, 0]);
  assert.deepEqual(MOUNT_WORDS.get('suid'), [0, 2]);
  assert.deepEqual(MOUNT_WORDS.get('nosymfollow'), [256, 0]);
});
