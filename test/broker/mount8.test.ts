// SPDX-License-Identifier: MIT
// The real mount(8), umount(8), findmnt(8) and df(1) of util-linux, with a mount.ninefold in /sbin and an fstab(5) of our own: a mount namespace of the test's has both.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { chmodSync, chownSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { cannotMount, run } from '../helpers/cli.ts';
import { NOBODY } from '../helpers/linux.ts';
import { program } from '../helpers/places.ts';
import { answers, NODE, type World, world } from './world.ts';

const CAN =
  'mkdir "$0/a" && mount -t overlay -o lowerdir="$0/a:$(realpath /sbin)" overlay "$(realpath /sbin)"';
const unshared = (script: string, ...args: string[]): string[] => [
  ...['unshare', '--mount', '--propagation', 'private', 'sh', '-c', script],
  ...args,
];

function cannot(): string | undefined {
  const [command = '', ...args] = unshared(
    `mount -t tmpfs tmpfs /mnt && set -- && ${CAN.replaceAll('$0', '/mnt')}`,
  );
  const tried = spawnSync(command, args, { encoding: 'utf8' });
  return tried.status === 0
    ? undefined
    : `needs an overlay over /sbin in a namespace: ${tried.stderr.trim()}`;
}
const reason = cannotMount() ?? cannot();
const able = reason === undefined ? {} : { skip: reason };

/** What a command came to: its status, and what it said on both outputs. */
type Came = readonly [status: number, words: string];

/** Runs shell commands one after another where mount(8) finds our helper and reads `fstab`. What they leave mounted on w.mnt is unmounted. */
async function inside(w: World, fstab: string, commands: readonly string[]): Promise<Came[]> {
  const layer = w.path('layer');
  for (const d of ['', 'sbin', 'etc']) mkdirSync(join(layer, d), { recursive: true });
  writeFileSync(
    join(layer, 'sbin/mount.ninefold'),
    `#!/bin/sh\nexec ${NODE} ${program('mount.ninefold')} "$@"\n`,
  );
  chmodSync(join(layer, 'sbin/mount.ninefold'), 0o755);
  symlinkSync('mount.ninefold', join(layer, 'sbin/mount.fuse.ninefold'));
  writeFileSync(join(layer, 'etc/fstab'), fstab);
  const script = `
    set -e
    for d in sbin etc; do mount -t overlay -o "lowerdir=$0/$d:$(realpath /$d)" overlay "$(realpath /$d)"; done
    set +e
    cd "$1"; mnt=$1/mnt; layer=$0; shift
    for c; do said=$(eval "$c" 2>&1); printf '%s\\0%s\\0' "$?" "$said"; done
    while umount -l "$mnt" 2>/dev/null; do :; done`;
  const r = await run(unshared(script, layer, w.dir, ...commands), { env: w.env, patience: 120_000 });
  assert.equal(r.code, 0, r.stderr);
  const parts = r.stdout.split('\0');
  return commands.map((_, i) => [Number(parts[2 * i]), parts[2 * i + 1] ?? '']);
}

test(
  'fstab: a line is mounted by mount MOUNTPOINT and by mount -a, shown, and unmounted',
  able,
  async (t) => {
    const w = world(t);
    const folder = join(w.share, 'my docs');
    mkdirSync(folder);
    writeFileSync(join(folder, 'a'), 'text');
    await w.broker(answers(w.dir, { answer: 'allow', lasts: 'always' }));
    const spaced = `box:${w.share}/my\\040docs`;
    const words =
      'ro,nofail,_netdev,user,x-systemd.automount,x-systemd.mount-timeout=90s,relatime,client=fuse';
    const came = await inside(w, `${spaced} ${w.mnt} ninefold ${words} 0 0\n`, [
      'mount mnt',
      'cat mnt/a; touch mnt/b',
      'findmnt -rno SOURCE,FSTYPE,OPTIONS mnt',
      'df --output=source,target mnt | tail -n 1',
      'mount -a',
      'umount mnt; findmnt mnt',
      'mount -fv mnt; findmnt mnt',
      'mount -a -v | grep mnt',
      'umount -v mnt',
      'sed s/nofail/noauto/ /etc/fstab >x; cat x >$layer/etc/fstab; mount -a; findmnt mnt',
      'mount -v mnt',
      'umount -a -t fuse.ninefold -O no_netdev; cat mnt/a',
    ]);
    const is = (i: number, status: number, what: RegExp): void => {
      assert.equal(came[i]?.[0], status, `${i}: ${came[i]?.[1]}`);
      assert.match(came[i]?.[1] ?? '', what);
    };
    is(0, 0, /^$/);
    is(1, 1, /^texttouch: .*Read-only file system$/);
    is(
      2,
      0,
      /^box:\S*\/my\\x20docs fuse\.ninefold ro,nosuid,nodev,noexec,relatime,nosymfollow,user_id=0,group_id=0,default_permissions$/,
    );
    is(3, 0, /^box:.*\/share\/my docs +\/.*\/mnt$/);
    // What is mounted is not mounted again, and no failure.
    is(4, 0, /^$/);
    is(5, 1, /^$/);
    is(6, 1, /^(?!.*is mounted on)/);
    is(7, 0, /successfully mounted/);
    is(8, 0, /unmounted/);
    is(9, 1, /^$/);
    is(10, 0, /^box:.*\/share\/my docs is mounted on .*\/mnt$/);
    is(11, 0, /^text$/);
    assert.equal(w.question().access, 'ro');
  },
);

test('remount: less than before, never more than was asked for', able, async (t) => {
  const w = world(t);
  await w.broker(answers(w.dir, { answer: 'allow', lasts: 'always' }));
  const options = 'findmnt -no VFS-OPTIONS mnt';
  const came = await inside(w, `box:${w.share} ${w.mnt} ninefold noauto,uid=5 0 0\n`, [
    'mount mnt && touch mnt/new',
    'mount -o remount,ro,noexec mnt',
    `touch mnt/new; ${options}`,
    'mount -o remount,rw,exec mnt && touch mnt/new',
    `exec 5>mnt/new; mount -o remount,ro mnt`,
    'mount -o remount,sync mnt',
    `mount -f -o remount,ro mnt && ${options}`,
    'umount mnt; mount -o remount,ro mnt',
    `mount -r -t ninefold box:${w.share} mnt && mount -o remount,rw mnt`,
    `touch mnt/new; ${options}; umount mnt`,
    // Without a line in fstab it is mount.fuse.ninefold that is looked for.
    `: >$layer/etc/fstab; mount -t fuse.ninefold box:${w.share} mnt && mount -o remount,ro mnt && ${options}`,
    `umount mnt; mount -t tmpfs -o size=1M none mnt; $layer/sbin/mount.ninefold a:/b mnt -o remount,ro; umount mnt`,
  ]);
  const said = (i: number): string => `${came[i]?.[0]} ${came[i]?.[1]}`;
  assert.equal(said(0), '0 ');
  assert.equal(said(1), '0 ');
  assert.match(said(2), /^0 touch: .*Read-only file system\nro,nosuid,nodev,noexec,.*nosymfollow$/);
  assert.equal(said(3), '0 ');
  assert.match(
    said(4),
    /^69 mount.ninefold: cannot change the mount .*\/mnt: a program has a file open there for writing; .*fuser/,
  );
  assert.match(said(5), /^64 mount.ninefold: cannot mount with -o sync: there is no such option/);
  assert.match(said(6), /^0 rw,/);
  assert.match(said(7), /^66 .*: no mount of ninefold is there; see "ninefold list"$/);
  assert.match(
    said(8),
    /^77 .*: reading is what it was mounted for.*; unmount it and mount it again with rw$/,
  );
  assert.match(said(9), /^0 touch: .*Read-only file system\nro,/);
  assert.match(said(10), /^0 ro,/);
  assert.match(said(11), /no mount of ninefold is there; see "ninefold list"/);
});

test(
  'mount(8): what fails keeps its words and its status; sloppy options; -v alone tells',
  able,
  async (t) => {
    const w = world(t);
    await w.broker(answers(w.dir, { answer: 'deny' }));
    const came = await inside(w, '', [
      `mount -t ninefold box:${w.share} mnt`,
      `mount -t ninefold box:${w.share} nowhere`,
      `mount -t ninefold -o nosiud box:${w.share} mnt`,
      `mount -s -t ninefold -o nosiud box:${w.share} mnt`,
      `mount -t ninefold relative mnt`,
      `mount -N /proc/self/ns/mnt -t ninefold box:${w.share} mnt`,
      'findmnt mnt',
    ]);
    assert.deepEqual(
      came.map(([status]) => status),
      [13, 66, 64, 69, 64, 64, 1],
      JSON.stringify(came),
    );
    assert.match(came[0]?.[1] ?? '', /^ninefold: cannot have the folder box:.*: the request was denied; ask/);
    assert.match(came[2]?.[1] ?? '', /-o nosiud: there is no such option/);
  },
);

test('a user mounts what fstab lets users mount, and unmounts it; nobody else does', able, async (t) => {
  const w = world(t, NOBODY.uid);
  await w.broker(answers(w.dir, { answer: 'allow', lasts: 'always' }));
  const as = (uid: number, command: string): string =>
    `setpriv --reuid ${uid} --regid ${uid} --clear-groups ${command}`;
  chownSync(w.mnt, NOBODY.uid, NOBODY.uid);
  const came = await inside(w, `box:${w.share} ${w.mnt} ninefold noauto,user,ro 0 0\n`, [
    as(NOBODY.uid, 'mount mnt'),
    as(NOBODY.uid, 'cat mnt/hello'),
    'findmnt -no SOURCE,OPTIONS mnt',
    as(NOBODY.uid, 'mount -o remount,rw mnt'),
    as(NOBODY.uid - 1, 'umount mnt'),
    as(NOBODY.uid, 'umount mnt'),
    'findmnt mnt',
  ]);
  const said = (i: number): string => `${came[i]?.[0]} ${came[i]?.[1]}`;
  assert.equal(said(0), '0 ');
  assert.equal(said(1), '0 world');
  assert.match(said(2), new RegExp(`^0 box:\\S+ ro,nosuid,nodev,noexec,.*user_id=${NOBODY.uid}`));
  assert.match(said(3), /^[^0]/);
  assert.match(said(4), /^[^0]/);
  assert.equal(said(5), '0 ');
  assert.equal(said(6), '1 ');
});
