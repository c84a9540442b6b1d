// SPDX-License-Identifier: MIT
// The units of packaging/systemd: found right by systemd's own look, and run by systemd.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { scratch, TOP } from '../helpers/places.ts';
import { boot, noSystemd } from './rig.ts';

const UNITS = join(TOP, 'packaging/systemd');
const USER = ['ninefold-broker.service', 'ninefold-mount@.service'];
const analyze = existsSync('/usr/bin/systemd-analyze') ? {} : { skip: 'needs the package systemd' };

test('systemd-analyze finds nothing wrong with any unit', analyze, (t) => {
  const dir = scratch(t, 'units');
  for (const name of readdirSync(UNITS)) {
    const text = readFileSync(join(UNITS, name), 'utf8');
    // The program is looked for where it says.
    writeFileSync(join(dir, name), text.replaceAll('/usr/bin/ninefold', join(TOP, 'bin/ninefold')));
  }
  const env = { ...process.env, XDG_RUNTIME_DIR: dir };
  for (const name of readdirSync(UNITS)) {
    const unit = join(dir, name.replace('@.', '@some-name.'));
    if (unit !== join(dir, name)) writeFileSync(unit, readFileSync(join(dir, name)));
    const user = USER.includes(name) ? ['--user'] : [];
    const r = spawnSync('systemd-analyze', [...user, 'verify', '--man=no', '--recursive-errors=no', unit], {
      encoding: 'utf8',
      env,
      timeout: 30_000,
    });
    assert.deepEqual([r.status, r.stderr.trim()], [0, ''], name);
  }
});

test('systemd-analyze security: what runs as root has no more than it needs', analyze, (t) => {
  const help = spawnSync('systemd-analyze', ['--help'], { encoding: 'utf8' });
  if (!help.stdout.includes('--offline')) return t.skip('systemd-analyze before 250 cannot look at files');
  const dir = scratch(t, 'units');
  for (const [name, most] of [
    ['ninefold-share@.service', 5],
    ['ninefold-policy-check.service', 3],
  ] as const) {
    const unit = join(dir, name.replace('@.', '@some-name.'));
    writeFileSync(unit, readFileSync(join(UNITS, name)));
    const r = spawnSync('systemd-analyze', ['security', '--offline=true', '--no-pager', unit], {
      encoding: 'utf8',
      timeout: 30_000,
    });
    const level = Number(/exposure level for .*: ([0-9.]+)/.exec(r.stdout)?.[1]);
    assert.ok(level <= most, `${name}: ${level}\n${r.stdout}`);
  }
});

/** Says a line for each step. Every command has a limit of its own. */
const DRIVER = String.raw`
set -u
ctl() { timeout 30 systemctl "$@"; }
as_user() { timeout 30 setpriv "--reuid=$USER_ID" "--regid=$USER_ID" --clear-groups env -i HOME=/run/home "XDG_RUNTIME_DIR=/run/user/$USER_ID" PATH=/usr/bin:/bin "$@"; }
fail() { echo "failed: $*"; timeout 5 systemctl --no-pager list-units --all; exit 1; }
i=0; until [ "$(ctl is-system-running 2>/dev/null)" = running ]; do i=$((i+1)); [ $i -lt 100 ] || fail "it does not boot"; sleep 0.1; done
echo booted

ctl start ninefold-share@docs.socket || fail socket
[ "$(ctl is-active ninefold-share@docs.service)" = inactive ] || fail 'the server runs before anybody comes'
mkdir /run/mnt
timeout 30 ninefold mount unix:/run/ninefold-share/docs.sock /run/mnt >/dev/null || fail mount
[ "$(cat /run/mnt/file)" = shared ] || fail read
[ "$(ctl is-active ninefold-share@docs.service)" = active ] || fail 'the server is not the unit'
# What the unit takes away must leave bubblewrap what it needs.
if command -v bwrap >/dev/null; then cat /proc/[0-9]*/comm 2>/dev/null | grep -q -x bwrap || fail 'not confined by bubblewrap'; fi
sh -c 'echo no >/run/mnt/new' 2>/dev/null && fail 'it can be written to'
timeout 30 ninefold unmount /run/mnt >/dev/null || fail unmount
ctl stop ninefold-share@docs.socket ninefold-share@docs.service || fail stop
[ "$(ctl show -P Result ninefold-share@docs.service)" = success ] || fail 'the server did not end well'
[ ! -e /run/ninefold-share/docs.sock ] || [ "$(ctl is-active ninefold-share@docs.socket)" = inactive ] || fail 'the socket is still there'
echo 'a folder shared by socket activation'

mkdir -p /etc/qubes/shared-folders /etc/qubes/policy.d
# That folder makes this machine dom0, for what follows here; and a rule asks there which qubes are disposables.
printf '#!/bin/sh\necho "work|AppVM"; echo "vault|AppVM"\n' >/etc/qubes/qvm-ls; chmod +x /etc/qubes/qvm-ls
NINEFOLD_QVM_LS=/etc/qubes/qvm-ls timeout 30 ninefold policy allow work vault:/home/user/a --for 1s >/dev/null || fail policy
grep -q ConnectToFolder /etc/qubes/policy.d/79-qubes-shared-folders.policy || fail 'no line in the policy'
sleep 1.1
ctl start ninefold-policy-check.service || fail check
grep -q ConnectToFolder /etc/qubes/policy.d/79-qubes-shared-folders.policy && fail 'the line is still there'
rm -r /etc/qubes
echo 'a grant that has run out leaves the policy'

ctl start login.service || fail 'no login'
as_user mkdir -p /run/home/.config/ninefold /run/home/docs /run/home/share
echo mine >/run/home/share/file
cat >/run/home/.config/ninefold/broker.json <<'END'
{"machines":{"box":{"address":"local"}},"ask":"echo '{\"version\":1,\"answer\":\"allow\",\"lasts\":\"always\"}'"}
END
as_user systemctl --user start ninefold-broker.service || fail broker
i=0; until [ -S "/run/user/$USER_ID/ninefold/broker.sock" ]; do i=$((i+1)); [ $i -lt 100 ] || fail 'no broker'; sleep 0.1; done
as_user ninefold mounts add box:/run/home/share /run/home/docs --read-only >/dev/null || fail add
as_user systemctl --user start ninefold-mount@docs || fail 'mount by the unit'
i=0; until [ "$(as_user cat /run/home/docs/file 2>/dev/null)" = mine ]; do i=$((i+1)); [ $i -lt 60 ] || fail 'nothing to read'; sleep 0.1; done
as_user ninefold sessions | grep -q '/run/home/share' || fail sessions
echo 'a broker and a mount of a user'

as_user systemctl --user stop ninefold-mount@docs || fail 'stop of the mount'
grep -q /run/home/docs /proc/self/mounts && fail 'it is still mounted'
[ "$(as_user systemctl --user show -P Result ninefold-mount@docs)" = success ] || fail 'the mount did not end well'
as_user systemctl --user stop ninefold-broker.service || fail 'stop of the broker'
[ "$(as_user systemctl --user show -P Result ninefold-broker.service)" = success ] || fail 'the broker did not end well'
[ ! -e "/run/user/$USER_ID/ninefold/broker.sock" ] || fail 'its socket is still there'
ctl stop login.service || fail logout
left=$(cat /proc/[0-9]*/comm 2>/dev/null | grep -x -e node -e bwrap -e fusermount3)
[ -z "$left" ] || fail "left: $left"
echo 'all stopped'
`;

const reason = noSystemd();

test('run by systemd: a share by its socket, the check of the policy, a broker and a mount of a user; all stopped, and nothing left', {
  skip: reason ?? false,
}, async (t) => {
  const { status, lines, left } = await boot(t, DRIVER, 120_000);
  assert.deepEqual(lines, [
    'booted',
    'a folder shared by socket activation',
    'a grant that has run out leaves the policy',
    'a broker and a mount of a user',
    'all stopped',
    'end 0',
  ]);
  assert.deepEqual([status, left], [0, []]);
});
