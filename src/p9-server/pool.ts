// SPDX-License-Identifier: MIT

import { EBUSY, EMFILE, ENOENT, ESTALE } from '../base/errno.ts';
import type { Mem } from '../base/mem.ts';
import { STATX_BTIME, StatBuf } from '../base/stat.ts';
import {
  HANDLE_OVERLAY,
  O_CLOEXEC,
  O_NOFOLLOW,
  O_PATH,
  RESOLVE_BENEATH,
  RESOLVE_NO_MAGICLINKS,
  RESOLVE_NO_SYMLINKS,
  type Sys,
} from '../base/sys.ts';
import type { Identity } from './identity.ts';
import type { Node, Saved } from './node.ts';

/** Descriptors taken at one time: one look at the root's path serves all. */
const BATCH = 32;
/** f_type (include/uapi/linux/magic.h). */
const FUSE_MAGIC = 0x65735546;
/** Of an object that was changed less than so many seconds ago, another with the same ctime may follow: some servers count whole seconds. */
const SETTLED_S = 2;

/**
 * The descriptors of one connection, kept under a limit. When they run out, nodes that were not looked at lately give theirs up, after
 * their present path (/proc/self/fd) and identity have been noted; when such a node is needed again, its path is walked from the root without following
 * any link and the object is taken only if its identity is the same. Another file that has taken the name is never mistaken for it (ESTALE).
 *
 * Identity: device, inode, type, birth time, and the kernel's file handle where there is one (it holds the inode's generation, which tells a reused inode
 * number from the old). A file system that has neither birth time nor handles keeps its descriptors. Of overlayfs the handle alone counts (before Linux 6.6 it has none there, and an object that was copied
 * up meanwhile is lost: ESTALE); FUSE has one more way, `lastingOf`.
 */
export class DescriptorPool {
  private readonly sys: Sys;
  private readonly rootFd: number;
  private readonly identity: Identity;
  private readonly max: number;
  private readonly ring: (Node | undefined)[] = [];
  private readonly free: number[] = [];
  private hand = 0;
  /** Descriptors in use that are not nodes': open files, locks. */
  private others = 0;
  private nodes = 0;
  /** Nodes without a descriptor, by path: so that a rename or unlink that passes through us does not lose them. */
  private readonly saved = new Map<string, Set<Node>>();
  private readonly stat: StatBuf;
  private readonly pathMem: Mem;
  private readonly handleMem: Mem;
  /** By device: whether the file system is FUSE's. */
  private readonly fuse = new Map<number, boolean>();
  /** The message that is being answered: the descriptors that were given out for it are not taken before its end. */
  private message = 0;
  /** For `--stats`. */
  reclaimed = 0;
  refound = 0;

  constructor(sys: Sys, rootFd: number, identity: Identity, max: number) {
    this.sys = sys;
    this.rootFd = rootFd;
    this.identity = identity;
    this.max = max;
    this.stat = new StatBuf(sys.alloc(256));
    this.pathMem = sys.alloc(4352);
    this.handleMem = sys.alloc(256);
  }

  /** A message begins: what `fd` gave out for the one before may be taken again. */
  begin(): void {
    // A small integer for ever: after a billion messages some descriptor is kept for one message more.
    this.message = (this.message + 1) & 0x3fffffff;
  }

  /** Takes charge of a fresh O_PATH descriptor of `node`. */
  adopt(node: Node, fd: number): void {
    node.fd = fd;
    node.used = true;
    const slot = this.free.pop() ?? this.ring.length;
    this.ring[slot] = node;
    node.slot = slot;
    this.nodes++;
  }

  /** Makes sure that one more descriptor may be opened: 0 or -EMFILE. Call before every openat. */
  room(): number {
    if (this.nodes + this.others < this.max) return 0;
    this.reclaim();
    return this.nodes + this.others < this.max ? 0 : -EMFILE;
  }

  /** A descriptor that is not a node's was opened (+1) or closed (-1). */
  count(delta: 1 | -1): void {
    this.others += delta;
  }

  /** A descriptor that names the node's object, good until the end of the message; or -errno (ESTALE, EMFILE). */
  fd(node: Node): number {
    node.message = this.message;
    if (node.fd >= 0) {
      node.used = true;
      return node.fd;
    }
    if (node.file !== undefined) return node.file.fd;
    return this.find(node);
  }

  /** Descriptors of both nodes at once, in `pair`; 0 or -errno. */
  fds(a: Node, b: Node, pair: [number, number]): number {
    const first = this.fd(a);
    if (first < 0) return first;
    const second = this.fd(b);
    if (second < 0) return second;
    pair[0] = first;
    pair[1] = second;
    return 0;
  }

  /** No fid names the node any more. */
  drop(node: Node): void {
    if (node.slot >= 0) {
      this.ring[node.slot] = undefined;
      this.free.push(node.slot);
      node.slot = -1;
      this.nodes--;
      this.sys.close(node.fd);
      node.fd = -1;
    }
    this.forget(node);
    if (node.file !== undefined) {
      if (node.file.release(this.sys)) this.others--;
      node.file = undefined;
    }
  }

  private forget(node: Node): void {
    if (node.saved === undefined) return;
    const set = this.saved.get(node.saved.path);
    set?.delete(node);
    if (set?.size === 0) this.saved.delete(node.saved.path);
    node.saved = undefined;
  }

  private remember(node: Node, path: string, identity: string, lasting: string): void {
    node.saved = { path, identity, lasting };
    const set = this.saved.get(path);
    if (set === undefined) this.saved.set(path, new Set([node]));
    else set.add(node);
  }

  /** Second-chance sweep: takes up to BATCH descriptors from nodes that were not used since the hand last passed. */
  private reclaim(): void {
    const root = this.pathOf(this.rootFd);
    let taken = 0;
    for (let steps = this.ring.length * 2; steps > 0 && taken < BATCH; steps--) {
      this.hand = (this.hand + 1) % Math.max(1, this.ring.length);
      const node = this.ring[this.hand];
      if (node === undefined || node.pinned || node.message === this.message) continue;
      if (node.used) {
        node.used = false;
        continue;
      }
      if (this.take(node, root)) taken++;
    }
    this.reclaimed += taken;
  }

  private take(node: Node, root: string): boolean {
    const identity = this.identityOf(node.fd);
    const path = identity === '' ? '' : this.below(root, this.pathOf(node.fd));
    const lasting = identity === '' ? '' : this.lastingOf(node.fd);
    if (path === '' || this.stat.nlink === 0 || !this.leadsBack(path, identity)) {
      node.pinned = true;
      return false;
    }
    this.sys.close(node.fd);
    this.ring[node.slot] = undefined;
    this.free.push(node.slot);
    node.slot = -1;
    node.fd = -1;
    this.nodes--;
    this.remember(node, path, identity, lasting);
    return true;
  }

  /** The name by which an object was reached may be gone while it has others: the kernel says so at the end of its path, as a name might by itself. */
  private leadsBack(path: string, identity: string): boolean {
    if (!path.endsWith(' (deleted)')) return true;
    return this.identity.asServer(() => {
      const fd = this.openBelow(path);
      if (fd < 0) return false;
      const same = this.identityOf(fd) === identity;
      this.sys.close(fd);
      return same;
    });
  }

  private find(node: Node): number {
    const saved = node.saved;
    if (saved === undefined) return -ESTALE;
    const full = this.room();
    if (full < 0) return full;
    return this.identity.asServer(() => {
      const fd = this.openBelow(saved.path);
      if (fd < 0) return -ESTALE;
      if (this.identityOf(fd) !== saved.identity && !this.lasts(fd, saved)) {
        this.sys.close(fd);
        return -ESTALE;
      }
      this.forget(node);
      this.adopt(node, fd);
      this.refound++;
      return fd;
    });
  }

  /** '' when the object has no identity that outlives its descriptor. Leaves its stat in `this.stat`. */
  private identityOf(fd: number): string {
    const s = this.stat;
    if (this.sys.stat(fd, s) < 0) return '';
    const n = this.sys.fileHandle(fd, this.handleMem);
    const born = (s.mask & STATX_BTIME) !== 0;
    if (n < 0 && !born) return '';
    const birth = born ? `${s.btimeSecHi}.${s.btimeSecLo}.${s.btimeNsec}` : '';
    const handle =
      n < 0 ? '' : Buffer.from(this.handleMem.u8.buffer, this.handleMem.u8.byteOffset, n).toString('latin1');
    // overlayfs copies a file up when it is first changed: it is born anew then, may get other numbers, and its handle stays.
    if (n >= 0 && this.handleMem.dv.getUint32(0, true) === HANDLE_OVERLAY)
      return `${s.mode >>> 12}:${handle}`;
    return `${s.devMajor}:${s.devMinor}:${s.inoHi}:${s.inoLo}:${s.mode >>> 12}:${birth}:${handle}`;
  }

  /**
   * The handles of FUSE are numbers that its server gives anew once the kernel has forgotten the object, as it does when memory is wanted. What has the same inode number and was not changed
   * since is the same object: another that takes its number has a later ctime. '' elsewhere, and for what was changed just now. Goes by `this.stat`.
   */
  private lastingOf(fd: number): string {
    const s = this.stat;
    const device = s.devMajor * 0x100000 + s.devMinor;
    let fuse = this.fuse.get(device);
    if (fuse === undefined) {
      fuse = this.sys.statfs(fd, this.handleMem) >= 0 && this.handleMem.dv.getUint32(0, true) === FUSE_MAGIC;
      this.fuse.set(device, fuse);
    }
    if (!fuse) return '';
    const changed = s.ctimeSecHi * 4294967296 + s.ctimeSecLo;
    if (changed > Date.now() / 1000 - SETTLED_S) return '';
    return `${device}:${s.inoHi}:${s.inoLo}:${s.mode >>> 12}:${changed}.${s.ctimeNsec}`;
  }

  private lasts(fd: number, saved: Saved): boolean {
    return saved.lasting !== '' && this.lastingOf(fd) === saved.lasting;
  }

  /** The present absolute path of a descriptor as latin1, '' when it has none that fits. */
  private pathOf(fd: number): string {
    const n = this.sys.fdPath(fd, this.pathMem);
    if (n <= 0 || n >= 4096) return '';
    return Buffer.from(this.pathMem.u8.buffer, this.pathMem.u8.byteOffset, n).toString('latin1');
  }

  private below(root: string, path: string): string {
    if (root === '' || path === '') return '';
    if (path === root) return '.';
    const prefix = root === '/' ? '/' : `${root}/`;
    return path.startsWith(prefix) ? path.slice(prefix.length) : '';
  }

  /** The path of `name` below `dirFd` relative to the root, '' when it has none. */
  private pathOfEntry(dirFd: number, name: string): string {
    const dir = this.below(this.pathOf(this.rootFd), this.pathOf(dirFd));
    if (dir === '') return '';
    return dir === '.' ? name : `${dir}/${name}`;
  }

  /** Call before an entry is unlinked or replaced: nodes that live there get their descriptor back while they can. */
  beforeUnlink(dirFd: number, name: () => string): void {
    if (this.saved.size === 0) return;
    const set = this.saved.get(this.pathOfEntry(dirFd, name()));
    if (set === undefined) return;
    for (const node of [...set]) this.find(node);
  }

  /** Call before a rename, with both ends; returns what to call after it succeeded. */
  beforeRename(oldDirFd: number, oldName: () => string, newDirFd: number, newName: () => string): () => void {
    if (this.saved.size === 0) return NOTHING;
    this.beforeUnlink(newDirFd, newName);
    const from = this.pathOfEntry(oldDirFd, oldName());
    const to = this.pathOfEntry(newDirFd, newName());
    if (from === '' || to === '') return NOTHING;
    return () => {
      const prefix = `${from}/`;
      const moved: [Node, string, Saved][] = [];
      for (const [path, set] of this.saved) {
        if (path !== from && !path.startsWith(prefix)) continue;
        for (const node of set)
          if (node.saved !== undefined) moved.push([node, to + path.slice(from.length), node.saved]);
      }
      for (const [node, path, { identity, lasting }] of moved) {
        this.forget(node);
        this.remember(node, path, identity, lasting);
      }
    };
  }

  /** The folder above `dirFd`, never above the root: a fresh O_PATH descriptor, or -errno. */
  openParent(dirFd: number): number {
    const path = this.below(this.pathOf(this.rootFd), this.pathOf(dirFd));
    return path === '' ? -ENOENT : this.openBelow(splitPath(path).dir);
  }

  /** Where the object behind `fd` lives now: a fresh O_PATH descriptor of its folder, its name left in `name`; or -errno. -EBUSY for the root itself. */
  locate(fd: number, name: Mem): number {
    const path = this.below(this.pathOf(this.rootFd), this.pathOf(fd));
    if (path === '') return -ENOENT;
    if (path === '.') return -EBUSY;
    const at = splitPath(path);
    name.cstring(Buffer.from(at.name, 'latin1'));
    return this.openBelow(at.dir);
  }

  private openBelow(path: string): number {
    this.pathMem.cstring(Buffer.from(path, 'latin1'));
    return this.sys.openat2(this.rootFd, this.pathMem, O_PATH | O_NOFOLLOW | O_CLOEXEC, 0, BENEATH);
  }
}

const NOTHING = (): void => {};
const BENEATH = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS;

function splitPath(path: string): { dir: string; name: string } {
  const slash = path.lastIndexOf('/');
  return slash < 0 ? { dir: '.', name: path } : { dir: path.slice(0, slash), name: path.slice(slash + 1) };
}
