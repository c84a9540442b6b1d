// SPDX-License-Identifier: MIT
// systemd itself as process 1 of namespaces of its own (PID, mount, cgroup, network, UTS, IPC), with our units and no others, on the host's files below an overlay in memory. Nothing of it outlives the test: the first process dies with
// the test, all others with the first, and every mount is within.

import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { NOBODY } from '../helpers/linux.ts';
import { OUT, program, scratch, TOP } from '../helpers/places.ts';

const SYSTEMD = '/lib/systemd/systemd';

/** Where the package is in there: units hide /tmp and /home from their programs, and a checkout may lie below either. */
const PLACE = '/opt/ninefold-tested';

/** Process 1, up to the point where it becomes systemd: $1 a folder, $2 the package, $3 where it goes, $4 the build, $5 Node, $6 the program `ninefold`, $7 a user id, $8 what is to be done. */
const FIRST = String.raw`
set -eu
W=$1 TOP=$3 OUT=$4 NODE=$5 NINEFOLD=$6 USER_ID=$7
export W TOP OUT NODE NINEFOLD USER_ID
# What others mount and unmount meanwhile must not be held here: nothing of theirs is in the new root.
mount --make-rprivate /
mount -t tmpfs tmpfs "$W"
mkdir "$W/upper" "$W/work" "$W/root"
mount -t overlay -o "lowerdir=/,upperdir=$W/upper,workdir=$W/work" overlay "$W/root"
cd "$W/root"
mkdir -p ".$TOP"
mount --bind "$2" ".$TOP"
for d in "$OUT" "$(dirname "$NODE")"; do [ -d "$d" ] || continue; mkdir -p ".$d"; mount --bind "$d" ".$d"; done
for d in dev proc sys run srv old; do mkdir -p "$d"; done
mount --bind /dev dev
mount -t proc proc proc
mount -t sysfs sysfs sys
for d in run srv; do mount -t tmpfs -o mode=755 tmpfs "$d"; done
pivot_root . old
umount -l /old
mount -t cgroup2 cgroup2 /sys/fs/cgroup
printf '#!/bin/sh\nexec %s --no-warnings %s "$@"\n' "$NODE" "$NINEFOLD" >/run/ninefold-program
chmod 755 /run/ninefold-program
ln -sfn /run/ninefold-program /usr/bin/ninefold

mkdir -p /run/units /run/user-units "/run/user/$USER_ID" /run/home /srv/docs
chown "$USER_ID:$USER_ID" "/run/user/$USER_ID" /run/home
chmod 700 "/run/user/$USER_ID"
echo shared >/srv/docs/file
cp "$TOP"/packaging/systemd/* /run/units
cp "$TOP"/packaging/systemd/* /run/user-units
for u in units user-units; do
  for t in sysinit sockets timers shutdown umount graphical-session; do printf '[Unit]\nDescription=%s\n' $t >/run/$u/$t.target; done
  printf '[Unit]\nRequires=sysinit.target\nAfter=sysinit.target\n' >/run/$u/basic.target
  printf '[Unit]\nRequires=basic.target\nAfter=basic.target\n' >/run/$u/default.target
done
# A user's systemd ends by these.
cp /lib/systemd/user/exit.target /lib/systemd/user/systemd-exit.service /run/user-units
# What pam and logind do at a login.
cat >/run/units/login.service <<END
[Service]
Type=notify
User=$USER_ID
Group=$USER_ID
Delegate=yes
KillMode=mixed
Environment=HOME=/run/home XDG_RUNTIME_DIR=/run/user/$USER_ID SYSTEMD_UNIT_PATH=/run/user-units PATH=/usr/local/bin:/usr/bin:/bin
ExecStart=/lib/systemd/systemd --user --log-target=null
END
printf '%s' "$8" >/run/driver
(
  s=0
  sh /run/driver </dev/null || s=$?
  echo "end $s"
) &
exec env -i container=ninefold PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin SYSTEMD_UNIT_PATH=/run/units \
  /lib/systemd/systemd --system --log-level=warning --log-target=console --show-status=no --default-standard-output=null --default-standard-error=inherit >/dev/null 2>&1
`;

const OVERLAY =
  'mount --make-rprivate / && mount -t tmpfs tmpfs /mnt && cd /mnt && mkdir upper work root && mount -t overlay -o lowerdir=/,upperdir=upper,workdir=work overlay root';

/** Why systemd cannot be started here; undefined when it can. */
export function noSystemd(): string | undefined {
  if (process.geteuid?.() !== 0) return 'needs root';
  if (!existsSync(SYSTEMD)) return 'needs the package systemd';
  if (!existsSync('/dev/fuse')) return 'needs /dev/fuse';
  const parent = ownCgroup();
  if (parent === undefined) return 'needs a mounted cgroup2';
  const probe = join(parent, `ninefold-probe-${process.pid}`);
  try {
    mkdirSync(probe);
    rmdirSync(probe);
  } catch {
    return 'may make no cgroups here';
  }
  const namespaces = ['--mount', '--pid', '--fork', '--kill-child', '--cgroup'];
  const r = spawnSync('unshare', [...namespaces, 'sh', '-c', OVERLAY], { timeout: 10_000 });
  return r.status === 0 ? undefined : 'may make no namespaces here, or no overlay';
}

/** The folder of this process in the cgroup2 hierarchy. */
function ownCgroup(): string | undefined {
  const mount = readFileSync('/proc/self/mountinfo', 'utf8')
    .split('\n')
    .find((line) => line.includes(' - cgroup2 '))
    ?.split(' ')[4];
  const own = /^0::(.*)$/m.exec(readFileSync('/proc/self/cgroup', 'utf8'))?.[1];
  return mount === undefined || own === undefined ? undefined : join(mount, own);
}

export interface Booted {
  /** Of the driver; undefined: it did not come to its end in time. */
  readonly status: number | undefined;
  readonly lines: readonly string[];
  /** Processes that were still there when all had been ended. */
  readonly left: readonly string[];
}

/** Boots, runs `driver` (sh, as root, beside systemd) and ends everything, in `limitMs` at the most. */
export async function boot(t: TestContext, driver: string, limitMs: number): Promise<Booted> {
  const dir = scratch(t, 'systemd');
  const group = join(ownCgroup() ?? '', `ninefold-test-${process.pid}`);
  mkdirSync(group);
  t.after(() => removeTree(group));
  const namespaces = ['--cgroup', '--pid', '--mount', '--net', '--uts', '--ipc', '--fork', '--kill-child'];
  const enter = 'echo $$ >"$0/cgroup.procs" && exec unshare "$@"';
  const placed = (path: string): string =>
    path === TOP || path.startsWith(`${TOP}/`) ? join(PLACE, path.slice(TOP.length)) : path;
  const paths = [TOP, PLACE, placed(OUT), process.execPath, placed(program('ninefold'))];
  const first = [dir, ...paths, String(NOBODY.uid), driver];
  const child = spawn(
    'setpriv',
    ['--pdeathsig', 'KILL', 'sh', '-c', enter, group, ...namespaces, 'sh', '-c', FIRST, 'sh', ...first],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  );
  const closed = new Promise<void>((resolve) => child.once('close', () => resolve()));
  let text = '';
  const status = await new Promise<number | undefined>((resolve) => {
    const timer = setTimeout(() => resolve(undefined), limitMs);
    child.stdout?.setEncoding('utf8').on('data', (part: string) => {
      text += part;
      const end = /^end (\d+)$/m.exec(text)?.[1];
      if (end !== undefined) resolve(Number(end));
    });
    void closed.then(() => resolve(undefined));
    void closed.then(() => clearTimeout(timer));
  });
  child.kill('SIGKILL');
  await closed;
  return { status, lines: text.trim().split('\n'), left: await processesIn(group) };
}

/** Those that are not gone within five seconds. */
async function processesIn(group: string): Promise<string[]> {
  let left: string[] = [];
  for (let i = 0; i < 100; i++) {
    left = foldersBelow(group).flatMap((dir) =>
      readFileSync(join(dir, 'cgroup.procs'), 'utf8')
        .split('\n')
        .filter((pid) => pid !== ''),
    );
    if (left.length === 0) break;
    await sleep(50);
  }
  return left;
}

/** The deepest first. */
function foldersBelow(dir: string): string[] {
  const below = readdirSync(dir, { withFileTypes: true }).filter((e) => e.isDirectory());
  return [...below.flatMap((e) => foldersBelow(join(dir, e.name))), dir];
}

function removeTree(group: string): void {
  if (existsSync(join(group, 'cgroup.kill'))) writeFileSync(join(group, 'cgroup.kill'), '1');
  for (const dir of foldersBelow(group)) rmdirSync(dir);
}
