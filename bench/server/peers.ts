// SPDX-License-Identifier: MIT

import { packageVersion, which } from '../common/package.ts';
import { program } from '../common/place.ts';

/** A 9P server that serves one folder on a descriptor that it is given. */
export interface ServerPeer {
  /** The column's head. */
  readonly name: string;
  /** The command that serves `dir` on descriptor `fd`; undefined when it is not here. */
  command(dir: string, fd: number): readonly [string, ...string[]] | undefined;
  /** What its Tattach wants for the folder `dir`. */
  aname(dir: string): string;
  /** Its version, for the page. */
  version(): string;
  /** What to do when it is missing. */
  readonly missing: string;
}

/** `qfsd R W PATH` as it comes, which is with its sandbox. */
export const OURS: ServerPeer = {
  name: 'ninefold',
  command: (dir, fd) => {
    const qfsd = program('qfsd');
    return qfsd === undefined ? undefined : [process.execPath, qfsd, String(fd), String(fd), dir];
  },
  aname: () => '',
  version: () => 'this tree',
  missing: 'npm run build',
};

/** diod with its default number of threads, no authentication, nobody's configuration file. */
export const DIOD: ServerPeer = {
  name: 'diod',
  command: (dir, fd) => {
    const diod = which('diod');
    if (diod === undefined) return undefined;
    return [
      diod,
      '-c',
      '/dev/null',
      '-f',
      '-n',
      '-L',
      'stderr',
      '-e',
      dir,
      '-r',
      String(fd),
      '-w',
      String(fd),
    ];
  },
  aname: (dir) => dir,
  version: () => packageVersion('diod'),
  missing: 'Debian package diod',
};

export const SERVER_PEERS: readonly ServerPeer[] = [OURS, DIOD];
