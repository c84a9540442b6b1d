// SPDX-License-Identifier: MIT
// Cases that fail on a target for a reason outside the server, with the source that says so. File names without more are those of
// Linux 6.1. A failure that is not listed here is ours; a listed case that passes is told, so that the list does not rot.

export interface Limit {
  /** Ids of places.ts. */
  places: readonly string[];
  why: string;
  /** Full names of cases. */
  cases: readonly string[];
}

const CLIENT = ['v9fs-none', 'v9fs-mmap', 'v9fs-loose', 'diod'];
const ALL = [...CLIENT, 'v9fs-any'];
const OURS = CLIENT.filter((p) => p !== 'diod');
const UNCACHED = ['v9fs-none', 'v9fs-any', 'diod'];

export const LIMITS: readonly Limit[] = [
  {
    places: ALL,
    why: 'the client cuts times that are set to whole seconds: fs/9p never sets s_time_gran, whose default of alloc_super (fs/super.c) is 1 s, and notify_change truncates to it',
    cases: [
      'modes: chmod moves the ctime and leaves the mtime',
      'owners: chown moves the ctime and leaves the mtime',
      'times: times are kept to the nanosecond, on files, folders and symlinks',
      'times: times before 1970 and after 2038',
      'times: UTIME_OMIT leaves one or both',
      'times: UTIME_NOW for one and a time for the other',
      'times: futimens works on a file without a name',
      'times: a set mtime survives closing a descriptor that wrote before',
      'unlink: an unlinked open file: fstat, ftruncate, fchmod, futimens, fsync',
    ],
  },
  {
    places: ['v9fs-loose'],
    why: 'with cache=loose the client answers stat from its own inode (v9fs_vfs_getattr_dotl): a write moves its times there, cut to whole seconds (file_update_time), and setting an attribute does not',
    cases: [
      'times: write moves mtime and ctime',
      'xattr: setting moves the ctime and leaves the mtime',
      'moments: a write within the file moves both',
      'moments: an unlinked open file: the ctime moves with the unlink',
    ],
  },
  {
    places: ['v9fs-loose'],
    why: 'with cache=loose the client takes itself for the only one: names, attributes and contents are not asked for again, and what is written goes out some time after the file was closed. \u201cOnly use this mode of operation if you have an exclusive mount\u201d (Documentation/filesystems/9p.rst)',
    cases: [
      'clients: what one makes the other finds',
      'clients: a name that was not there is found once the other made it',
      'clients: what one wrote and closed the other reads when it opens',
      'clients: mode, size and times that one sets the other sees',
      'clients: two clients that append lose nothing and mix nothing',
      'clients: a removed name is gone for the other',
      'clients: a file that one removed the other still reads and writes through its descriptor',
      'clients: a file that one removed the other still changes by its descriptor: mode, times, size, attributes, opening anew',
      'clients: a file whose name one gives to another file the other still changes by its descriptor',
      'clients: a file that one renames stays open for the other',
      'clients: a renamed folder is found at its new place by the other',
      'clients: a name that turns from a file into a folder does so for the other',
      'clients: a file that one keeps replacing is whole for the other, old or new',
      'clients: hard links made by one count for the other',
      'clients: what one syncs the other reads through a descriptor that was open before',
    ],
  },
  {
    places: ['v9fs-loose'],
    why: 'with cache=loose a write goes to the page cache (generic_file_write_iter in v9fs_cached_file_operations_dotl, fs/9p/vfs_file.c): what the server says to it, here EFBIG, is told at a later sync, of the file or of the whole mount',
    cases: [
      'offsets: a write beyond what the file system holds is refused with EFBIG, and nothing changes',
      'reach: sync of one file system (syncfs), and sync of a file and a folder by the program',
    ],
  },
  {
    places: ['v9fs-loose'],
    why: 'a file grows by truncate_setsize (v9fs_vfs_setattr_dotl, fs/9p/vfs_inode_dotl.c), which clears nothing of the page that was the last one (mm/truncate.c), and cache=loose reads from that page',
    cases: ['maps: what is written behind the end of the file in its last page is not in the file'],
  },
  {
    places: CLIENT,
    why: '9P2000.L carries a user number (n_uname of Tattach) and no supplementary groups: the server acts with those that its own user database gives',
    cases: ['modes: chmod by a user outside the group drops setgid'],
  },
  {
    places: OURS,
    why: '9P2000.L carries no supplementary groups, and our server judges with those of its own user database. diod passes because it does not judge what comes on a connection that root attached (SRV_FLAGS_DAC_BYPASS, libnpfs/user.c: the client is presumed to have done it); ours does not trust a client with that',
    cases: [
      'owners: an owner gives the file to a group of theirs, and to no other',
      'two users: a user in the group makes files that others of the group change',
      'attributes: a named group gives its members access, and a named user comes before it',
      'access: membership through a supplementary group counts',
    ],
  },
  {
    places: ['v9fs-mmap'],
    why: 'with cache=mmap the client reads from the server without a look at dirty pages (v9fs_mmap_file_read_iter, fs/9p/vfs_file.c)',
    cases: ['mmap: what is written through a shared map is read by read(2) of the same process'],
  },
  {
    places: UNCACHED,
    why: 'the client has no shared writable maps without a cache: .mmap is generic_file_readonly_mmap (fs/9p/vfs_file.c)',
    cases: [
      'mmap: what is written through a shared map is read by read(2) of the same process',
      'mmap: what is written through a shared map is in the file after msync, and after the process ended',
      'mmap: two processes share a map',
      'mmap: write(2) by another process is seen in a map',
      'mmap: a map outlives its descriptor and its name',
      'mmap: touching a map behind the new end of a truncated file raises SIGBUS',
      'mmap: a map is extended by growing the file first',
      'mmap: a map of a sparse file reads zeros and writes into the hole',
      'mmap: writing through a map moves the mtime by msync at the latest',
      'mmap: an sqlite database with a write-ahead log (mmap, locks, fsync)',
      'maps: a shared map over fork: both see what either writes',
      'maps: what is written behind the end of the file in its last page is not in the file',
      'maps: a map read, the file shortened and grown again: zeros, not what was there',
      'maps: two maps of one file in one process show the same',
      'maps: a piece of a map is synced, the rest comes with the last msync',
      'maps: a map of an appending descriptor writes where it is told',
      'maps: a map is handed to write(2) of another file, and read(2) fills a map',
      'maps: a map at an offset behind 2^32',
      'maps: two processes write the two halves of one page, and both halves stay',
      'maps: a map of a file that is renamed and whose name is taken by another',
    ],
  },
  {
    places: ALL,
    why: 'Txattrcreate of size 0 with XATTR_REPLACE is how the protocol removes an attribute: replacing a value by an empty one looks the same',
    cases: ['xattr: an empty value is a value'],
  },
  {
    places: ['v9fs-none', 'v9fs-mmap', 'v9fs-any', 'diod'],
    why: 'the client opens on the server with O_APPEND (v9fs_open_to_dotl_flags, fs/9p/vfs_inode_dotl.c), 9P2000.L has no message for what F_SETFL changes later, and without a cache, as with cache=mmap (v9fs_mmap_file_write_iter, fs/9p/vfs_file.c), writes go out by that fid',
    cases: ['descriptors: O_APPEND given to open and switched off later: pwrite goes where it is told'],
  },
  {
    places: ['v9fs-none', 'v9fs-mmap', 'v9fs-any', 'diod'],
    why: 'without a cache the client never checks a name that is in use: v9fs_dentry_operations has no d_revalidate (fs/9p/vfs_dentry.c), so while the file is open its name leads to it, whoever has taken that away',
    cases: [
      'clients: a file that one removed the other still changes by its descriptor: mode, times, size, attributes, opening anew',
      'clients: a file whose name one gives to another file the other still changes by its descriptor',
    ],
  },
  {
    places: ['v9fs-none', 'v9fs-mmap', 'v9fs-any'],
    why: 'the client makes an inode for each name (v9fs_test_new_inode_dotl, fs/9p/vfs_inode_dotl.c), so it does not see its own conflict; Tlock names the process, to which both descriptors belong. diod passes because it takes flock(2) of each open fid for it, the whole file (ioctx_flock in diod_lock, diod/ops.c), and fails other cases of locks by that',
    cases: ['locks: locks are of the file, not of its name'],
  },
];

/** Why this failure is no fault of the server; undefined when it is one. */
export function limitOf(place: string, name: string): string | undefined {
  return LIMITS.find((l) => l.places.includes(place) && l.cases.includes(name))?.why;
}
