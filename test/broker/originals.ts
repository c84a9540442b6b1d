// SPDX-License-Identifier: MIT
// The original's programs (Qubes shared folders), in the places of this build's: a copy of its Python package with the absolute paths replaced by those of a test's folder.
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { program } from '../helpers/places.ts';
import { script } from './qubes.ts';
import { NODE, type World } from './world.ts';

/** Where the original's sources are: the folder with `py/sharedfolders` and `etc/qubes-rpc`. */
export const SOURCES = process.env.NINEFOLD_ORIGINAL_FOLDERS ?? '';
const PYTHON = process.env.NINEFOLD_ORIGINAL_PYTHON || 'python3';
/** Its server, once it is built; without it ours is in its place. */
export const QFSD = process.env.NINEFOLD_ORIGINAL_QFSD ?? '';

/** undefined, or why the tests with the original cannot run. */
export const noOriginal =
  SOURCES === ''
    ? 'opt-in: NINEFOLD_ORIGINAL_FOLDERS is to name the sources of the original (docs/ORIGINALS.md)'
    : undefined;

export type Part = 'dom0' | 'server' | 'client';

export interface Originals {
  /** Where its database is; the dialog's answer is the word in `dialog`. */
  readonly db: string;
  readonly dialog: string;
  readonly asked: string;
  /** Its qvm-mount-folder; what it mounts is used by `inMount`, a shell's command whose working folder is the mount. */
  readonly mountFolder: string;
}

/** Puts the named parts of the original in the places of ours. */
export function originals(w: World, parts: readonly Part[], inMount = 'cat hello'): Originals {
  const dir = w.path('original');
  const db = join(dir, 'qubes/shared-folders/policy.db');
  const dialog = join(dir, 'dialog');
  const asked = join(dir, 'asked');
  mkdirSync(join(dir, 'qubes/shared-folders'), { recursive: true });
  mkdirSync(join(dir, 'libexec'), { recursive: true });
  const placed = (text: string): string =>
    text
      .replaceAll('/etc/qubes/policy.d', w.path('policy.d'))
      .replaceAll('/etc/qubes', join(dir, 'qubes'))
      .replaceAll('/usr/libexec', join(dir, 'libexec'))
      .replaceAll('/usr/bin/qfsd', join(dir, 'qfsd'))
      .replaceAll('/usr/bin/sudo', join(dir, 'sudo'));
  mkdirSync(join(dir, 'py/sharedfolders'), { recursive: true });
  for (const name of readdirSync(join(SOURCES, 'py/sharedfolders')))
    if (name.endsWith('.py'))
      writeFileSync(
        join(dir, 'py/sharedfolders', name),
        placed(readFileSync(join(SOURCES, 'py/sharedfolders', name), 'utf8')),
      );
  // What its programs call: the dialog, the list of qubes, qrexec, its server, and sudo to mount.
  script(join(dir, 'libexec/qvm-authorize-folder-access'), `echo "$*" >> ${asked}; cat ${dialog}`);
  script(
    w.path('bin/qvm-ls'),
    `[[ $1 == --raw-list ]] && exec printf 'dom0\\nwork\\nvault\\n'; printf 'dom0|AdminVM\\nwork|AppVM\\nvault|AppVM\\n'`,
  );
  script(join(dir, 'qfsd'), `exec ${QFSD === '' ? `${NODE} ${program('qfsd')}` : QFSD} "$@"`);
  // `mount -t 9p -o OPTIONS qvm://QUBE/FOLDER MOUNTPOINT` with the 9P stream on descriptors 0 and 1: our client in the kernel's place, which not every machine has.
  const mine = `${NODE} ${program('ninefold')}`;
  script(
    join(dir, 'sudo'),
    `echo "$*" > ${dir}/mounted; exec 3<&0 4>&1 0</dev/null 1>&2
aname=\${5##*aname=}; ${mine} mount fd:3,4 "$7" -o "aname=$aname" || exit; exec 3<&- 4>&-
(cd "$7" && ${inMount}) > ${dir}/seen; status=$?; ${mine} unmount "$7" && exit $status`,
  );
  const python = `PYTHONDONTWRITEBYTECODE=1 PYTHONPATH=${join(dir, 'py')} PATH=${w.path('bin')}:$PATH exec ${PYTHON}`;
  if (parts.includes('dom0')) {
    for (const name of ['ruddo.AuthorizeFolderAccess', 'ruddo.QueryFolderAuthorization'])
      script(w.path(`rpc/dom0/${name}`), `${python} ${join(SOURCES, 'etc/qubes-rpc', name)}`);
    script(w.path('rpc/dom0/ninefold.FolderSession'), 'exit 127');
  }
  if (parts.includes('server')) {
    const text = placed(readFileSync(join(SOURCES, 'etc/qubes-rpc/ruddo.ConnectToFolder'), 'utf8'));
    script(w.path('rpc/vault/ruddo.ConnectToFolder.original'), text.replace(/^#!.*\n/, ''));
    script(
      w.path('rpc/vault/ruddo.ConnectToFolder'),
      `PATH=${w.path('bin')}:$PATH exec ${w.path('rpc/vault/ruddo.ConnectToFolder.original')}`,
    );
  }
  const mountFolder = join(dir, 'qvm-mount-folder');
  script(mountFolder, `${python} ${join(SOURCES, 'bin/qvm-mount-folder')} "$@"`);
  return { db, dialog, asked, mountFolder };
}
