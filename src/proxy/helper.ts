// SPDX-License-Identifier: MIT

import type { Mem } from '../base/mem.ts';
import type { PathSys } from '../base/path-sys.ts';
import { StatBuf } from '../base/stat.ts';
import { PROXY_HEADER, PROXY_MAX } from '../proxyfs/constants.ts';
import type { Request } from '../proxyfs/request.ts';
import { Identity } from './identity.ts';
import { type Export, Place } from './place.ts';

export interface ProxyOptions {
  /** Refuse everything that would change the export. */
  readonly readOnly: boolean;
  /** Let device nodes be made. Opened they are never. */
  readonly devices: boolean;
}

/** f_type of file systems that number the generations of an inode (include/uapi/linux/magic.h): ext2, 3 and 4, btrfs, XFS, reiserfs. */
const WITH_GENERATIONS: readonly number[] = [0xef53, 0x9123683e, 0x58465342, 0x52654973];

/** The state of one conversation and scratch memory; the handlers, one file a kind of request, hold the rules. */
export class Helper {
  readonly sys: PathSys;
  readonly options: ProxyOptions;
  readonly root: Export;
  /** An open /proc/self/fd. */
  readonly procFd: number;
  readonly identity: Identity;
  /** Whether getversion has an answer. */
  readonly generations: boolean;
  readonly a: Place;
  readonly b: Place;
  readonly stat: StatBuf;
  readonly text: Mem;
  readonly scratch: Mem;
  /** One request. */
  readonly input: Mem;
  /** One reply, with room behind it. */
  readonly out: Mem;
  private here = -1;

  constructor(sys: PathSys, root: Export, procFd: number, options: ProxyOptions) {
    this.sys = sys;
    this.root = root;
    this.procFd = procFd;
    this.options = options;
    this.identity = new Identity(sys);
    this.a = new Place(sys, root);
    this.b = new Place(sys, root);
    this.stat = new StatBuf(sys.alloc(256));
    this.text = sys.alloc(PROXY_MAX);
    this.scratch = sys.alloc(256);
    this.input = sys.alloc(PROXY_HEADER + PROXY_MAX);
    this.out = sys.alloc(PROXY_HEADER + PROXY_MAX);
    const r = sys.statfs(root.fd, this.scratch);
    if (r < 0) throw new Error(`statfs of the export: errno ${-r}`);
    this.generations = WITH_GENERATIONS.includes(this.scratch.dv.getUint32(0, true));
    // Modes come from the guest, its umask already applied.
    sys.umask(0);
  }

  /** Makes `dir` the working folder, for calls that know no other. */
  goTo(dir: number): number {
    if (dir === this.here) return 0;
    const r = this.sys.fchdir(dir);
    // Any other folder is closed after the request, and its number means another one then.
    this.here = r === 0 && dir === this.root.fd ? dir : -1;
    return r;
  }
}

/** Answers one request: a status, the size of the reply in `out`, or a descriptor to be sent and closed, as its row says; or -errno. */
export type Handler = (h: Helper, m: Request) => number;
