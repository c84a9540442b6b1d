// SPDX-License-Identifier: MIT

export interface Threat {
  readonly attack: string;
  readonly defence: string;
  /** Test files below test/ (or src/), without `.test.ts`. */
  readonly tests: readonly string[];
  /** Names of mutants; none where there is no line of ours to take out, which the defence then says. */
  readonly mutants: readonly string[];
}

/** The known attacks on a server and on a mount of 9P, those of QEMU's 9p and virtiofsd by their number. */
export const THREATS: readonly Threat[] = [
  {
    attack: 'traversal by name',
    defence: 'one check of names in every message that carries one; `..` stops at the root',
    tests: ['attacks/names'],
    mutants: [
      'a name may hold a slash',
      'a name may hold NUL',
      '. is a name',
      '.. may be made, removed and renamed',
      '.. is the folder above, wherever that is',
    ],
  },
  {
    attack: 'a symbolic link swapped in during a walk',
    defence: 'one O_PATH|O_NOFOLLOW step at a time',
    tests: ['attacks/races', 'attacks/objects'],
    mutants: [
      'walks follow symlinks',
      'an existing object that Tlcreate meets is opened through symlinks',
      'what is below a symlink may be walked to',
    ],
  },
  {
    attack: 'magic links, mounts inside the share',
    defence: 'never followed; qid.path tells file systems apart',
    tests: ['attacks/mounts'],
    mutants: ['qid.path is the inode number alone'],
  },
  {
    attack: 'a hard link out of the share',
    defence: 'links within one attach only',
    tests: ['attacks/objects'],
    mutants: ['links across attaches'],
  },
  {
    attack: 'opening a fifo, socket or device (CVE-2023-2861)',
    defence: 'only regular files and folders are opened',
    tests: ['attacks/objects'],
    mutants: ['fifos, sockets and devices may be opened'],
  },
  {
    attack: 'device nodes; set-id bits that stay after a write (CVE-2023-1386)',
    defence: 'mknod of devices refused; a plain user writes as that user, synchronously too',
    tests: ['attacks/objects'],
    mutants: ['device nodes may be made', 'everyone acts as the server itself'],
  },
  {
    attack: 'extended attributes of other namespaces',
    defence: 'user.* and, where asked for, POSIX ACLs',
    tests: ['attacks/objects'],
    mutants: ['every attribute is served'],
  },
  {
    attack: 'writing to a read-only share by a side door (CVE-2026-63318)',
    defence: 'one gate for every message that changes anything, O_TRUNC too',
    tests: ['attacks/readonly'],
    mutants: ['a read-only share may be changed', 'a read-only share may be truncated while opening'],
  },
  {
    attack:
      'a peer on the same machine keeps pages of a file (splice(2)) and sees what is written to it after the grant; or gets what another reply left in memory',
    defence:
      'such pages only for who started the server and holds the other end itself; what is promised and gone is zeros',
    tests: ['src/cli/serve/starter', 'src/p9-server/file-run'],
    mutants: [
      'pages of the kernel go to whoever says that he started the server',
      'pages of the kernel go to everybody',
      'what a file loses on its way to the peer is made up with what was there before',
    ],
  },
  {
    attack: 'exhaustion: fids, descriptors, attribute sizes, counts, Treaddir (CVE-2026-9238, CVE-2026-8348)',
    defence: 'limits that are checked before anything is allocated',
    tests: ['attacks/exhaustion', 'attacks/reclaim'],
    mutants: [
      'fids without end',
      'a fid in use may be taken again',
      'attribute fids without end',
      'attributes of any announced size',
      'names of any length for who holds a lock',
      'left-over bytes in a message do not matter',
      'counts are not cut to msize (CVE-2026-8348)',
      'a reclaimed object is found again by its name alone',
      'the folder of a request may lose its descriptor to another before the end',
      'replies that nobody takes gather without end',
    ],
  },
  {
    attack: 'tags used twice, races of Tflush',
    defence: 'a live tag is refused; Rflush waits for the reply that it overtakes',
    tests: ['attacks/tags', 'fuzz/model'],
    mutants: [
      'a live tag may be used again',
      'Rflush does not wait for the reply that it overtakes',
      'Tversion leaves the fids',
    ],
  },
  {
    attack: 'rename, readdir, clunk and remove racing (CVE-2018-19364, CVE-2018-19489, CVE-2026-48004)',
    defence: 'messages change a fid one after the other; a slow request holds the file that it works on',
    tests: ['attacks/tags', 'fuzz/model'],
    mutants: ['a slow request does not hold the file that it works on (CVE-2018-19364, CVE-2018-19489)'],
  },
  {
    attack: 'flooding',
    defence:
      'a process for each connection, so that the system shares out fairly; requests under way and bytes are limited',
    tests: ['attacks/flood'],
    mutants: ['flooding: requests that wait for a disk without end'],
  },
  {
    attack: 'filling the disk',
    defence: 'ENOSPC is passed on (nothing of ours to take out)',
    tests: ['faults/disk'],
    mutants: [],
  },
  {
    attack: 'malformed, over-long, mismatched replies; lying counts',
    defence: 'strict decoding; no reply is larger than was asked for',
    tests: ['hostile/hostile', 'fuzz/engine'],
    mutants: [
      'mount: replies of a wrong length are believed',
      'mount: counts may say more than there is',
      'mount: replies that nobody asked for are ignored',
      'mount: replies of another type are believed',
      'mount: more of a file than was asked for',
      'mount: replies in another order than was promised',
      'mount: a look answered before its walk',
      'mount: errors that the kernel must not see',
      'mount: a failed creation is looked up instead',
    ],
  },
  {
    attack: 'names with `/`, NUL, too long (CVE-2026-31694)',
    defence: 'judged before the kernel sees them',
    tests: ['hostile/hostile', 'fuzz/engine'],
    mutants: [
      'mount: names with a slash or NUL (CVE-2026-31694)',
      'mount: names of any length (CVE-2026-31694)',
    ],
  },
  {
    attack: 'endless or looping folders',
    defence: 'offsets must move on and never come back; folders are no circle',
    tests: ['hostile/hostile', 'src/mount/nodes'],
    mutants: [
      'mount: offsets of a listing that stay where they are',
      'mount: listings that go round in a circle',
      'mount: the root inside itself',
      'mount: folders inside each other',
    ],
  },
  {
    attack: 'the type or identity of a file changes',
    defence: 'a new inode or ESTALE',
    tests: ['hostile/hostile'],
    mutants: ['mount: an object that becomes another kind'],
  },
  {
    attack: 'what was told earlier is believed after it has changed',
    defence: 'memory ends with news of the folder, with time, and with an open that finds another state',
    tests: ['coherence/coherence', 'coherence/other-names', 'coherence/kept-listing', 'src/mount/dir-cache'],
    mutants: [
      'mount: news of a folder is not heeded',
      'mount: the kernel lists a folder from what it keeps, whatever others did to it',
      'mount: the kernel keeps the listing of a folder that changed just now',
      'mount: a folder is begun anew from what was remembered before the news',
      "mount: a folder's own links are believed because the folder above is watched",
      'mount: an open by name that finds a file changed leaves what was believed of it',
      'mount: an open that finds a file changed leaves what was believed of it',
      'mount: what is done to a file goes by a name that it has no more',
      'mount: a file whose name was taken is lost to who works with it',
      'mount: of a folder that has not come whole, what is missing is taken for absent',
    ],
  },
  {
    attack: 'silence',
    defence: 'time limits; whoever waits can be killed; unmounting always works',
    tests: ['hostile/silence', 'faults/deaf', 'faults/killed-listing', 'coherence/fill'],
    mutants: [
      'mount: whoever waits for a silent server cannot be killed',
      'mount: an unmount is not noticed while the server takes nothing',
      'mount: our own listings wait for a silent server, and keep the mount in use',
      'mount: threads that wait on the mount hold its device, and a mount whose process was killed never ends',
      'mount: lookups wait without end for a listing of our own',
      'mount: a listing of our own gives the names that are being looked up, and waits for it',
    ],
  },
  {
    attack: 'set-uid programs and devices on the server',
    defence: 'nosuid, nodev, nosymfollow',
    tests: ['src/cli/mount/mount'],
    mutants: ['mount: setuid programs run (nosuid)'],
  },
  {
    attack: 'others who make or replace a name while a user of root’s mount makes it',
    defence:
      'nothing is given away but what is certain to have been made, and an open that was to make a file opens none that is there: the kernel judges that',
    tests: ['attacks/given-away'],
    mutants: [
      'mount: a creation may open what is there already',
      'mount: whatever has the name of what a user made is given to them',
      'mount: a file is given away before it is there',
    ],
  },
  {
    attack: 'a server that takes less than it is given: a full disk, small messages',
    defence: 'pages of a map are kept until all is written or an error was told',
    tests: ['faults/short-writes'],
    mutants: [
      'mount: pages of a map that are taken only in part are let go',
      'mount: of pages of a map that did not all fit on the disk nobody is told',
    ],
  },
  {
    attack: 'a program that has the mount send what the server hangs up on',
    defence: 'requests that may be longer than msize are measured first',
    tests: ['faults/small-messages', 'src/p9-client/requests'],
    mutants: ['mount: messages may be longer than the server takes'],
  },
];
